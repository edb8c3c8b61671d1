import type { Condition } from '../../contracts/conditions.ts';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import type {
  Lagging,
  LastEvent,
  MirrorStatus,
  Propagation,
  ResourceStatus,
} from '../../contracts/status.ts';

/** The API server takes more, but a condition is read by people. */
const maxMessageBytes = 1024;

/** A status as the API server takes it: what is not known is left out, what is long is cut. */
export function writeStatus(status: ResourceStatus): JsonRecord {
  const conditions = status.conditions.map((condition) => ({
    ...condition,
    message: cut(condition.message),
  }));
  const lagging = status.propagation?.lagging.map((each) => ({
    ...each,
    error: each.error === null ? null : cut(each.error),
  }));
  const propagation = status.propagation === null ? null : { ...status.propagation, lagging };
  // It was made of records and arrays, and so is what is left of it.
  return withoutNulls({ ...status, propagation, conditions }) as JsonRecord;
}

/** A status as the API server has it. `null`: nobody has written one yet, or not one of ours. */
export function readStatus(value: unknown): ResourceStatus | null {
  if (!isRecord(value)) return null;
  const { observedGeneration, configVersion, configHash, lastEvent, propagation } = value;
  if (typeof observedGeneration !== 'number') return null;
  return {
    observedGeneration,
    configVersion: typeof configVersion === 'number' ? configVersion : null,
    configHash: typeof configHash === 'string' ? configHash : null,
    lastEvent: isRecord(lastEvent) ? readLastEvent(lastEvent) : null,
    propagation: isRecord(propagation) ? readPropagation(propagation) : null,
    ...readMirrors(value['mirrors']),
    conditions: readConditions(value['conditions']),
  };
}

// What stands there has passed the schema of our definition; what an older one lacks reads as nothing.

function readLastEvent({ by = null, ...event }: JsonRecord): LastEvent {
  return { ...event, by } as LastEvent;
}

function readPropagation(propagation: JsonRecord): Propagation {
  const { completedAt = null, first = null, p50 = null, p99 = null, max = null } = propagation;
  const lagging = Array.isArray(propagation['lagging']) ? propagation['lagging'] : [];
  return {
    ...propagation,
    ...{ completedAt, first, p50, p99, max },
    lagging: lagging.filter(isRecord).map(readLagging),
  } as unknown as Propagation;
}

function readLagging({ error = null, ...lagging }: JsonRecord): Lagging {
  return { ...lagging, error } as Lagging;
}

function readMirrors(value: unknown): Pick<ResourceStatus, 'mirrors'> {
  if (!Array.isArray(value)) return {};
  return { mirrors: value.filter(isRecord) as unknown as readonly MirrorStatus[] };
}

function readConditions(value: unknown): readonly Condition[] {
  return Array.isArray(value) ? (value.filter(isRecord) as unknown as readonly Condition[]) : [];
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}

/** Cuts between characters, and says so. */
export function cut(text: string, maxBytes = maxMessageBytes): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength('…'));
  return `${bytes.toString('utf8').replace(/\uFFFD$/, '')}…`;
}
