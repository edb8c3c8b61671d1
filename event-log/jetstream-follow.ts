import { DeliverPolicy } from '@nats-io/jetstream';
import type { StoredEntry } from './entry.ts';
import { LogUnavailable } from './event-log.ts';
import type { JetStreamConnection } from './jetstream-connection.ts';
import { type Delivery, type JetStreamConsumer, openConsumer } from './jetstream-consumer.ts';
import { readLogState } from './jetstream-streams.ts';

export type StreamUpdate =
  | {
      readonly type: 'snapshot';
      readonly logId: string;
      readonly sequence: number;
      readonly entries: readonly StoredEntry[];
    }
  | { readonly type: 'entry'; readonly logId: string; readonly entry: StoredEntry }
  | { readonly type: 'disconnected'; readonly problem: string };

export type FollowedStream = {
  readonly stream: string;
  readonly subjects: readonly string[];
  /** Before each beginning. */
  readonly prepare?: () => Promise<void>;
};

const firstPauseMs = 50;
const longestPauseMs = 1000;

/** Snapshot and tail; after whatever breaks them, another snapshot and tail. */
export async function* followStream(
  connection: JetStreamConnection,
  followed: FollowedStream,
  signal: AbortSignal,
): AsyncGenerator<StreamUpdate> {
  let said: string | null = null;
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    let problem = 'the consumer ended';
    try {
      for await (const update of followOnce(connection, followed, signal)) {
        said = null;
        pauseMs = firstPauseMs;
        yield update;
      }
    } catch (error) {
      problem = problemOf(connection, error);
    }
    if (signal.aborted || connection.isEnded()) return;
    if (connection.nats.isClosed()) throw new LogUnavailable('the connection to NATS is closed');
    if (problem !== said) yield { type: 'disconnected', problem };
    said = problem;
    await connection.pause(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, longestPauseMs);
  }
}

/** What was noticed last is rarely the reason: that NATS cannot be reached, and why, is. */
function problemOf({ failure }: JetStreamConnection, error: unknown): string {
  return failure() ?? (error instanceof Error ? error.message : String(error));
}

async function* followOnce(
  connection: JetStreamConnection,
  { stream, subjects, prepare }: FollowedStream,
  signal: AbortSignal,
): AsyncGenerator<StreamUpdate> {
  await prepare?.();
  const before = await readLogState(connection.manager, stream);
  const from = DeliverPolicy.LastPerSubject;
  const consumer = await openConsumer(connection, { stream, subjects, from }, signal);
  const deliveries = consumer.deliveries[Symbol.asyncIterator]();
  try {
    const entries = await readSnapshot(consumer, deliveries);
    if (signal.aborted) return;
    // A stream re-created in between would give its entries under the old log's name.
    const { logId } = await readLogState(connection.manager, stream);
    if (logId !== before.logId) throw new LogUnavailable(`the stream ${stream} was re-created`);
    // Not the stream's last sequence now: what came since the beginning may not be here yet.
    const sequence = Math.max(before.lastSequence, entries.at(-1)?.sequence ?? 0);
    yield { type: 'snapshot', logId, sequence, entries };
    for await (const delivery of { [Symbol.asyncIterator]: () => deliveries }) {
      if (delivery.type === 'message') yield { type: 'entry', logId, entry: delivery.entry };
    }
  } finally {
    consumer.close();
  }
}

/** Everything up to the first moment at which nothing is pending; one entry per subject. */
async function readSnapshot(
  consumer: JetStreamConsumer,
  deliveries: AsyncIterator<Delivery>,
): Promise<readonly StoredEntry[]> {
  const newest = new Map<string, StoredEntry>();
  let complete = consumer.pending === 0;
  while (!complete) {
    const { done, value } = await deliveries.next();
    if (done) break;
    if (value.type === 'message') {
      newest.set(value.entry.subject, value.entry);
      complete = value.pending === 0;
    } else {
      // What was pending can be purged before it is sent: then no message comes that says 0.
      complete = (await consumer.countPending()) === 0;
    }
  }
  return [...newest.values()].sort((a, b) => a.sequence - b.sequence);
}
