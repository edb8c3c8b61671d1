import { isRecord } from '../contracts/json.ts';
import { encodeEntry } from './entry.ts';
import {
  EntryTooLarge,
  type Leader,
  LogFull,
  LogLost,
  LogUnavailable,
  maxEntriesPerAppend,
  type NewEntry,
  NoLongerLeader,
} from './event-log.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';
import { type Message, publish } from './jetstream-publish.ts';
import { findStream, headerBytes, toLogState } from './jetstream-streams.ts';

export type Leadership = {
  readonly stream: string;
  readonly leaderSubject: string;
  readonly logId: string;
  readonly epoch: number;
  readonly created: boolean;
};

const attemptsFor = 3;
const pauseMs = 50;
const rememberedIds = 4096;

type Encoded = NewEntry & { readonly text: string };

/**
 * Appends behind two expectations. The sequence of the last election is the fence against another
 * leader. The last sequence of the stream, which only this leader moves, is the one against itself:
 * an append that was given up and arrives late cannot come after its own repetition.
 */
export function createLeader(connection: JetStreamConnection, leadership: Leadership): Leader {
  const { stream, leaderSubject, logId, epoch, created } = leadership;
  const { manager, timeoutMs } = connection;
  const sequences = new Map<string, number>();
  let lastSequence = epoch;
  /** Something may stand in the stream after `lastSequence`. */
  let uncertain = false;
  let previous: Promise<unknown> = Promise.resolve();

  /** One at a time: on several replicas appends in flight together break each other's fence. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = previous.then(run, run);
    previous = turn.catch(() => {});
    return turn;
  }

  async function appendNow(entries: readonly Encoded[]): Promise<readonly number[]> {
    const deadline = performance.now() + attemptsFor * timeoutMs;
    let problem = 'it moves under every attempt';
    while (performance.now() < deadline) {
      if (uncertain) await lookAtTail();
      const missing = entries.filter(({ event }) => !sequences.has(event.id));
      if (missing.length === 0) return entries.map(({ event }) => sequences.get(event.id) ?? 0);

      const messages = missing.map((entry, index) => toMessage(entry, index));
      const outcome = await publish(connection, messages);
      switch (outcome.type) {
        case 'appended':
          remember(missing, outcome.sequence);
          break;
        case 'full':
          throw new LogFull(`the stream ${stream} is full: ${outcome.problem}`);
        case 'tooLarge':
          throw new EntryTooLarge(outcome.problem);
        case 'unknown':
          problem = outcome.problem;
          uncertain = true;
          await connection.pause(pauseMs);
          break;
        case 'outdated':
          uncertain = true;
          break;
      }
    }
    throw new LogUnavailable(`cannot append to the stream ${stream}: ${problem}`);
  }

  function remember(appended: readonly Encoded[], last: number): void {
    lastSequence = last;
    for (const [index, { event }] of appended.entries()) {
      sequences.set(event.id, last - appended.length + 1 + index);
    }
    for (const id of sequences.keys()) {
      if (sequences.size <= rememberedIds) break;
      sequences.delete(id);
    }
  }

  function toMessage({ subject, text, lastOnly, ttlSeconds }: Encoded, index: number): Message {
    return {
      subject,
      text,
      headers: {
        'Nats-Expected-Last-Subject-Sequence': String(epoch),
        'Nats-Expected-Last-Subject-Sequence-Subject': leaderSubject,
        ...(index === 0 && { 'Nats-Expected-Last-Sequence': String(lastSequence) }),
        ...(lastOnly === true && { 'Nats-Rollup': 'sub' }),
        ...(ttlSeconds !== undefined && { 'Nats-TTL': `${Math.max(1, Math.ceil(ttlSeconds))}s` }),
      },
    };
  }

  /** Learns what stands after `lastSequence`, from the stream's own leader: replicas may lag. */
  async function lookAtTail(): Promise<void> {
    const last = await checkStillLeading();
    let next = lastSequence + 1;
    while (next <= last) {
      const request = { seq: next, next_by_subj: '>' };
      const message = await ask(() => manager.streams.getMessage(stream, request));
      if (message === null) break;
      sequences.set(idOf(message.string()), message.seq);
      next = message.seq + 1;
    }
    lastSequence = last;
    uncertain = false;
  }

  /** Answers the last sequence of the stream. */
  async function checkStillLeading(): Promise<number> {
    const info = await ask(() => findStream(manager, stream));
    if (info === null) throw new LogLost(`the stream ${stream} is gone`);
    const state = toLogState(info);
    if (state.logId !== logId) throw new LogLost(`the stream ${stream} is another one`);
    if (state.lastSequence < lastSequence) {
      throw new LogLost(
        `the stream ${stream} ends at ${state.lastSequence}, before ${lastSequence}: it lost events`,
      );
    }
    const elected = await ask(() =>
      manager.streams.getMessage(stream, { last_by_subj: leaderSubject }),
    );
    if (elected?.seq === epoch) return state.lastSequence;
    throw new NoLongerLeader(`leader ${epoch} was replaced by leader ${elected?.seq ?? 'unknown'}`);
  }

  async function ask<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw new LogUnavailable(`NATS does not answer about ${stream}: ${problem}`, { cause });
    }
  }

  /** A server may take less than we do; the client would throw before it sends anything. */
  function checkPayload(text: string, about: string): void {
    const most = (connection.nats.info?.max_payload ?? Number.POSITIVE_INFINITY) - headerBytes;
    const size = Buffer.byteLength(text);
    if (size <= most) return;
    throw new EntryTooLarge(
      `the event for ${about} has ${size} bytes, more than the ${most} this NATS server takes (max_payload)`,
    );
  }

  return {
    logId,
    epoch,
    created,
    async append(entries) {
      if (entries.length === 0) return [];
      if (entries.length > maxEntriesPerAppend) {
        throw new RangeError(
          `${entries.length} entries in one append, ${maxEntriesPerAppend} are possible`,
        );
      }
      const encoded = entries.map((entry) => ({ ...entry, text: encodeEntry(entry) }));
      for (const { text, event } of encoded) checkPayload(text, event.subject);
      return inTurn(() => appendNow(encoded));
    },
    purge: (subject, sequence) =>
      inTurn(async () => {
        // NATS fences no purge; the gap between question and purge is small, and what is purged is
        // below a tombstone this leader has read.
        await checkStillLeading();
        await ask(() => manager.streams.purge(stream, { filter: subject, seq: sequence + 1 }));
      }),
  };
}

function idOf(text: string): string {
  try {
    const event: unknown = JSON.parse(text);
    return isRecord(event) ? String(event['id']) : '';
  } catch {
    return '';
  }
}
