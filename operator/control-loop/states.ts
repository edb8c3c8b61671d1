import { allKinds, type Kind } from '../../contracts/kinds/all-kinds.ts';
import {
  isPoolPublished,
  isSecretSealed,
  logEventTypes,
  type SecretSealed,
} from '../../contracts/log-events.ts';
import { formatKey, parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { isStatusReported } from '../../contracts/status.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import { foldEvent, foldStatus, type Held, unknownTo } from './held.ts';
import { createPortTable } from './port-table.ts';

export type Sealed = SecretSealed & { readonly subject: string; readonly sequence: number };
export type Tombstone = {
  readonly subject: string;
  readonly sequence: number;
  readonly time: string;
};

/** The followed log, folded in memory. It is never read per pass. */
export type States = ReturnType<typeof createStates>;

export function createStates(subjects: Subjects) {
  const resources = new Map<string, Held>();
  const ports = createPortTable();
  const sealed = new Map<string, Sealed>();
  const published = new Map<string, string>();
  const tombstones = new Map<string, Tombstone>();
  const applied = new Map<string, number>();
  /** Appended by us, not yet seen in the log we follow. */
  const underWay = new Map<number, LogEntry>();
  const logFolds: Readonly<Record<string, (entry: LogEntry) => void>> = {
    [logEventTypes.secretSealed]: applySecret,
    [logEventTypes.poolPublished]: applyPublished,
    [logEventTypes.statusReported]: applyStatus,
  };

  /** What comes from the log we follow, in its order. */
  function apply(entry: LogEntry): void {
    for (const sequence of underWay.keys()) {
      if (sequence > entry.sequence) break;
      underWay.delete(sequence);
    }
    fold(entry);
  }

  /** What we appended counts at once; it comes again when the log is followed. */
  function applyOwn(entry: LogEntry): void {
    underWay.set(entry.sequence, entry);
    fold(entry);
  }

  function fold(entry: LogEntry): void {
    if (entry.sequence <= (applied.get(entry.subject) ?? 0)) return;
    applied.set(entry.subject, entry.sequence);
    const apply = logFolds[entry.event.type] ?? applyResource;
    apply(entry);
  }

  function applySecret({ sequence, subject, event: { data } }: LogEntry): void {
    if (isSecretSealed(data)) sealed.set(subject, { ...data, subject, sequence });
  }

  function applyPublished({ subject, event: { data } }: LogEntry): void {
    if (isPoolPublished(data)) published.set(subject, data.logId);
  }

  function applyStatus({ sequence, event: { data } }: LogEntry): void {
    if (isStatusReported(data)) set(foldStatus(get(data), sequence, data));
  }

  function applyResource(entry: LogEntry): void {
    const { sequence, subject, event } = entry;
    const key = parseKey(event.subject);
    if (key === null || !allKinds[key.kind].isEvent(event.data)) return;
    set(foldEvent(get(key), event.data, entry, subjects.poolOf(subject)));
    if (event.data.type === `${key.kind}Removed`) {
      tombstones.set(subject, { subject, sequence, time: event.time });
    } else {
      tombstones.delete(subject);
    }
  }

  function get<K extends Kind>(key: ResourceKey & { readonly kind: K }): Held<K> {
    const { kind, namespace, name } = key;
    const held = resources.get(formatKey(key)) as Held<K> | undefined; // stored under its own kind
    return held ?? unknownTo({ kind, namespace, name });
  }

  function set(held: Held): void {
    resources.set(formatKey(held.key), held);
    ports.update(held);
  }

  return {
    /** Begins again from a snapshot: what it lacks is no more, unless we appended it since. */
    reset(entries: readonly LogEntry[], upTo: number): void {
      for (const map of [resources, sealed, published, tombstones, applied]) map.clear();
      ports.clear();
      for (const entry of entries) fold(entry);
      for (const entry of underWay.values()) if (entry.sequence > upTo) fold(entry);
    },
    apply,
    applyOwn,
    get,
    /** Resources that exist: served, or refused and waiting to be mended. */
    all: () => [...resources.values()].filter(({ state }) => state.status !== 'absent'),
    incumbents: ports.incumbents,
    sealedSecret: (pool: string, namespace: string, name: string) =>
      sealed.get(subjects.secret(pool, namespace, name)) ?? null,
    allSealed: () => [...sealed.values()],
    isPublished: (pool: string, logId: string) => published.get(subjects.pool(pool)) === logId,
    tombstones: () => [...tombstones.values()],
    /** A purged subject holds nothing any more. Its last sequence is kept: entries may still be under way. */
    forget(subject: string): void {
      for (const map of [sealed, published, tombstones]) map.delete(subject);
    },
    highestSequence: () => Math.max(0, ...applied.values()),
  };
}
