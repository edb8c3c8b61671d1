import { randomUUID } from 'node:crypto';
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Subjects } from '../contracts/subjects.ts';
import { forgetAfterMs } from './acknowledgements.ts';
import {
  keptPerSubject,
  LogInUse,
  type LogSize,
  LogUnavailable,
  maxEntryBytes,
} from './event-log.ts';

export type LogStreamOptions = {
  readonly subjects: Subjects;
  readonly maxBytes: number;
  readonly replicas: number;
};

export type LogState = { readonly logId: string; readonly lastSequence: number };

const logIdKey = 'log-id';
/** Room for the headers of an append. */
export const headerBytes = 4096;
const streamNotFound = 10059;
const streamNameInUse = 10058;

/** Finds the stream of the log as it should be, or makes it, numbering above `floor`. */
export async function ensureLogStream(
  manager: JetStreamManager,
  options: LogStreamOptions,
  floor: number,
): Promise<LogState> {
  const { stream } = options.subjects;
  const found = await findStream(manager, stream);
  if (found === null) return createLogStream(manager, options, floor);

  const state = toLogState(found);
  const wanted = logStreamConfig(options);
  if (differs(found.config, wanted)) await manager.streams.update(stream, wanted);
  return state;
}

async function createLogStream(
  manager: JetStreamManager,
  options: LogStreamOptions,
  floor: number,
): Promise<LogState> {
  try {
    const created = await manager.streams.add({
      ...logStreamConfig(options),
      name: options.subjects.stream,
      storage: StorageType.File,
      deny_delete: true,
      first_seq: floor + 1,
      metadata: { [logIdKey]: randomUUID() },
    });
    return toLogState(created);
  } catch (error) {
    // Another leader made it in this moment.
    if (apiCode(error) === streamNameInUse) return readLogState(manager, options.subjects.stream);
    throw error;
  }
}

/**
 * What makes the last event of a subject safe: no maximal age, and a full log that refuses what is
 * new. `max_age` or discarding the old deletes the last event of resources nobody edits.
 */
function logStreamConfig({ subjects, maxBytes, replicas }: LogStreamOptions) {
  return {
    subjects: subjects.streamSubjects,
    max_msgs_per_subject: keptPerSubject,
    max_bytes: maxBytes,
    max_msg_size: maxEntryBytes + headerBytes,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    allow_direct: true,
    allow_atomic: true,
    allow_rollup_hdrs: true,
    allow_msg_ttl: true,
  } satisfies Partial<StreamConfig>;
}

/** One message per pod, in memory: what pods say is worth nothing after a while. */
export async function ensureAckStream(
  manager: JetStreamManager,
  { ackStream, allAcks }: Subjects,
  replicas: number,
): Promise<void> {
  if ((await findStream(manager, ackStream)) !== null) return;
  try {
    await manager.streams.add({
      name: ackStream,
      subjects: [allAcks],
      storage: StorageType.Memory,
      max_msgs_per_subject: 1,
      max_age: nanos(forgetAfterMs),
      max_bytes: 64 * 1024 ** 2,
      discard: DiscardPolicy.Old,
      num_replicas: replicas,
      metadata: { [logIdKey]: randomUUID() },
    });
  } catch (error) {
    if (apiCode(error) !== streamNameInUse) throw error;
  }
}

/** Throws {@link LogUnavailable} while there is no log. */
export async function readLogState(manager: JetStreamManager, stream: string): Promise<LogState> {
  const info = await findStream(manager, stream);
  if (info === null) throw new LogUnavailable(`there is no stream ${stream}`);
  return toLogState(info);
}

/** Throws {@link LogUnavailable}. */
export async function readLogSize(manager: JetStreamManager, stream: string): Promise<LogSize> {
  const info = await findStream(manager, stream).catch((cause: unknown) => {
    throw new LogUnavailable(`NATS does not answer about ${stream}`, { cause });
  });
  if (info === null) throw new LogUnavailable(`there is no stream ${stream}`);
  return { bytes: info.state.bytes, maxBytes: info.config.max_bytes };
}

export async function findStream(
  manager: JetStreamManager,
  stream: string,
): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(stream);
  } catch (error) {
    if (apiCode(error) === streamNotFound) return null;
    throw error;
  }
}

export function toLogState({ config, state }: StreamInfo): LogState {
  const logId = config.metadata?.[logIdKey];
  if (logId === undefined) {
    throw new LogInUse(`the stream ${config.name} exists and was not made by Headgate`);
  }
  return { logId, lastSequence: state.last_seq };
}

export function apiCode(error: unknown): number | null {
  return error instanceof JetStreamApiError ? error.code : null;
}

function differs(found: StreamConfig, wanted: ReturnType<typeof logStreamConfig>): boolean {
  const actual = new Map<string, unknown>(Object.entries(found));
  return Object.entries(wanted).some(
    ([name, value]) => JSON.stringify(actual.get(name)) !== JSON.stringify(value),
  );
}
