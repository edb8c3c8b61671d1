import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import { encodeEntry, toSnapshot, toUpdate } from './entry.ts';
import {
  type EventLog,
  type FollowUpdate,
  type Leader,
  LogInUse,
  LogUnavailable,
} from './event-log.ts';
import { createJetStreamAcknowledgements } from './jetstream-acknowledgements.ts';
import {
  connectToNats,
  type JetStreamConnection,
  type NatsOptions,
} from './jetstream-connection.ts';
import { followStream } from './jetstream-follow.ts';
import { readHistory } from './jetstream-history.ts';
import { createLeader } from './jetstream-leader.ts';
import { publish } from './jetstream-publish.ts';
import { ensureAckStream, ensureLogStream, readLogSize } from './jetstream-streams.ts';
import { leaderElected } from './leader-elected.ts';

export type JetStreamEventLogOptions = {
  readonly connection: NatsOptions;
  readonly subjects: Subjects;
  readonly maxBytes?: number;
  readonly replicas?: number;
  /** Closes the log. */
  readonly signal?: AbortSignal;
};

const defaultMaxBytes = 1024 ** 3;
const oldestVersion = { major: 2, minor: 12 };
const leadAttempts = 5;

/**
 * The log of a cluster, and what its pods acknowledge. Throws `LogUnavailable` if NATS cannot be
 * reached now; afterwards it reconnects for as long as it lives.
 */
export async function openJetStreamEventLog({
  connection: natsOptions,
  subjects,
  maxBytes = defaultMaxBytes,
  replicas = 1,
  signal,
}: JetStreamEventLogOptions): Promise<EventLog & { readonly acknowledgements: Acknowledgements }> {
  const connection = await connectToNats(natsOptions);
  await checkVersion(connection);
  const { manager } = connection;
  const { stream } = subjects;

  async function* follow(
    patterns: readonly string[],
    ended: AbortSignal,
  ): AsyncGenerator<FollowUpdate> {
    for await (const update of followStream(connection, { stream, subjects: patterns }, ended)) {
      if (update.type === 'snapshot') {
        yield* toSnapshot(update.logId, update.sequence, update.entries);
      } else if (update.type === 'entry') yield toUpdate(update.logId, update.entry);
      else yield update;
    }
  }

  async function lead(holder: string, floor = 0): Promise<Leader> {
    const { logId } = await ensureLogStream(manager, { subjects, maxBytes, replicas }, floor);
    await ensureAckStream(manager, subjects, replicas);
    const first = await manager.streams.getMessage(stream, { last_by_subj: subjects.leader });
    let epoch = 0;
    // A stream that lost its tail gives numbers again that pods know: pass them first.
    do epoch = await elect(connection, subjects, logId, holder);
    while (epoch <= floor);
    return createLeader(connection, {
      stream,
      leaderSubject: subjects.leader,
      logId,
      epoch,
      created: first === null,
    });
  }

  const log = {
    acknowledgements: createJetStreamAcknowledgements(connection, subjects, replicas),
    lead: (holder: string, floor?: number) => lead(holder, floor).catch(unavailable),
    follow,
    size: () => readLogSize(manager, stream),
    history: (patterns: readonly string[], ended: AbortSignal) =>
      readHistory(connection, stream, patterns, ended),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
  signal?.addEventListener('abort', () => void log[Symbol.asyncDispose](), { once: true });
  return log;
}

/** Appends the election; its id keeps a repetition from electing twice. Answers the epoch. */
async function elect(
  connection: JetStreamConnection,
  { leader: subject, log }: Subjects,
  logId: string,
  holder: string,
): Promise<number> {
  const event = leaderElected(log, logId, holder);
  const message = {
    subject,
    text: encodeEntry({ subject, event }),
    headers: { 'Nats-Msg-Id': event.id },
  };
  let problem = '';
  for (let attempt = 0; attempt < leadAttempts; attempt += 1) {
    const outcome = await publish(connection, [message]);
    if (outcome.type === 'appended') return outcome.sequence;
    problem = 'problem' in outcome ? outcome.problem : outcome.type;
  }
  throw new LogUnavailable(`no leader could be elected: ${problem}`);
}

async function checkVersion(connection: JetStreamConnection): Promise<void> {
  const { version = '' } = connection.nats.info ?? {};
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { major: wantedMajor, minor: wantedMinor } = oldestVersion;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  await connection[Symbol.asyncDispose]();
  throw new LogUnavailable(
    `nats-server ${version} is too old: ${wantedMajor}.${wantedMinor} or newer is needed`,
  );
}

function unavailable(cause: unknown): never {
  if (cause instanceof LogUnavailable || cause instanceof LogInUse) throw cause;
  const problem = cause instanceof Error ? cause.message : String(cause);
  throw new LogUnavailable(`the log cannot be led: ${problem}`, { cause });
}
