import { allKinds, type Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Decided } from '../../contracts/kinds/decided.ts';
import {
  type EndpointsObserved,
  isEndpointsObserved,
  isHistoryLost,
  isPoolPublished,
  isSecretSealed,
  logEventTypes,
  type SecretSealed,
} from '../../contracts/log-events.ts';
import { formatKey, parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { ServiceReference } from '../../contracts/service-reference.ts';
import { isStatusReported } from '../../contracts/status.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import { matchSubjects } from '../../event-log/entry.ts';
import type { FollowUpdate, LogEntry } from '../../event-log/event-log.ts';
import { foldEvent, foldStatus, type Held, unknownTo } from './held.ts';
import { createPortTable } from './port-table.ts';

export type Stored = { readonly subject: string; readonly sequence: number };
export type Sealed = SecretSealed & Stored;
export type Endpoints = EndpointsObserved & Stored;
export type Tombstone = Stored & { readonly time: string; readonly key: ResourceKey };

/** Why nothing is known of a resource that the log has. */
export type Unreadable = Stored & { readonly problem: string };

/** The followed log, folded in memory. It is never read per pass. */
export type States = ReturnType<typeof createStates>;

export function createStates(subjects: Subjects) {
  const resources = new Map<string, Held>();
  const ports = createPortTable();
  const sealed = new Map<string, Sealed>();
  const endpoints = new Map<string, Endpoints>();
  const published = new Map<string, string>();
  /** The life of the log of which it was said that it took the place of one that was lost. */
  let rebuilt = '';
  const tombstones = new Map<string, Tombstone>();
  const applied = new Map<string, number>();
  /** Sequences of statuses, by resource and subject. */
  const statuses = new Map<string, Map<string, number>>();
  const unreadable = new Map<string, Unreadable>();
  /** Newest generations that come to what is recorded of an older one: edits that were undone. */
  const undone = new Map<string, number>();
  /** Appended by us, not yet seen in the log we follow. */
  const underWay = new Map<number, LogEntry>();
  const isConfig = matchSubjects([subjects.allConfig]);
  const logFolds: Readonly<Record<string, (entry: LogEntry) => void>> = {
    [logEventTypes.secretSealed]: applySecret,
    [logEventTypes.endpointsObserved]: applyEndpoints,
    [logEventTypes.poolPublished]: applyPublished,
    [logEventTypes.statusReported]: applyStatus,
    [logEventTypes.historyLost]: applyHistoryLost,
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
    unreadable.delete(entry.subject);
    const apply = logFolds[entry.event.type] ?? applyResource;
    apply(entry);
  }

  function applySecret({ sequence, subject, event: { data } }: LogEntry): void {
    if (isSecretSealed(data)) sealed.set(subject, { ...data, subject, sequence });
  }

  function applyEndpoints({ sequence, subject, event: { data } }: LogEntry): void {
    if (isEndpointsObserved(data)) endpoints.set(subject, { ...data, subject, sequence });
  }

  function applyPublished({ subject, event: { data } }: LogEntry): void {
    if (isPoolPublished(data)) published.set(subject, data.logId);
  }

  function applyHistoryLost({ event: { data } }: LogEntry): void {
    if (isHistoryLost(data)) rebuilt = data.logId;
  }

  function applyStatus({ sequence, subject, event: { data } }: LogEntry): void {
    if (!isStatusReported(data)) return;
    set(foldStatus(get(data), sequence, data));
    const ofResource = statuses.get(formatKey(data)) ?? new Map<string, number>();
    statuses.set(formatKey(data), ofResource.set(subject, sequence));
  }

  function applyResource(entry: LogEntry): void {
    const { sequence, subject, event } = entry;
    const key = parseKey(event.subject);
    if (key === null) return;
    if (!allKinds[key.kind].isEvent(event.data)) {
      const problem = `an event of type ${event.type} that is not known here`;
      return noteUnreadable({ subject, sequence, problem });
    }
    undone.delete(formatKey(key));
    set(foldEvent(get(key), event.data, entry, subjects.poolOf(subject)));
    if (event.data.type === `${key.kind}Removed`) {
      tombstones.set(subject, { subject, sequence, time: event.time, key });
    } else {
      tombstones.delete(subject);
    }
  }

  /** Only of what pods act upon: what else cannot be read is decided, or written, again. */
  function noteUnreadable({ subject, sequence, problem }: Unreadable): void {
    if (isConfig(subject)) unreadable.set(subject, { subject, sequence, problem });
  }

  function unreadableOf(key: ResourceKey): Unreadable | null {
    const resource = subjects.resourceOf(key);
    for (const one of unreadable.values()) {
      if (subjects.resourceIn(one.subject) === resource) return one;
    }
    return null;
  }

  /** Statuses of a resource that is gone, or of a pool it has left. */
  function staleStatusesOf(key: ResourceKey): readonly Stored[] {
    const { state, reported } = get(key);
    if (state.status === 'absent' && unreadableOf(key) !== null) return [];
    const current = reported === null ? null : subjects.status(reported.data.pool, key);
    return Array.from(statuses.get(formatKey(key)) ?? [], ([subject, sequence]) => ({
      subject,
      sequence,
    })).filter(({ subject }) => state.status === 'absent' || subject !== current);
  }

  function get<K extends Kind>(key: ResourceKey & { readonly kind: K }): Held<K> {
    const { kind, namespace, name } = key;
    const held = resources.get(formatKey(key)) as Held<K> | undefined; // stored under its own kind
    return held ?? unknownTo({ kind, namespace, name });
  }

  function isGone(key: ResourceKey): boolean {
    const { state, leftBehind } = get(key);
    return state.status === 'absent' && leftBehind.length === 0;
  }

  function set(held: Held): void {
    resources.set(formatKey(held.key), held);
    ports.update(held);
  }

  return {
    /** Begins again from a snapshot: what it lacks is no more, unless we appended it since. */
    reset(entries: readonly LogEntry[], upTo: number): void {
      for (const map of [resources, sealed, endpoints, published, tombstones, applied, statuses]) {
        map.clear();
      }
      ports.clear();
      rebuilt = '';
      for (const entry of entries) fold(entry);
      for (const entry of underWay.values()) if (entry.sequence > upTo) fold(entry);
    },
    apply,
    applyOwn,
    get,
    /** What a pass looked at. An edit that was undone before is no event, but its generation was seen. */
    looked(key: ResourceKey, { uid, inputs, generation }: Decided): void {
      const { state } = get(key);
      const isRecorded = state.status !== 'absent' && state.uid === uid && state.inputs === inputs;
      if (isRecorded && generation > state.generation) undone.set(formatKey(key), generation);
      else undone.delete(formatKey(key));
    },
    /** 0: none but the one that is recorded. */
    undoneGeneration: (key: ResourceKey): number => undone.get(formatKey(key)) ?? 0,
    /** An entry was skipped; told just before a snapshot, it is of what the snapshot lacks. */
    skipped(entry: Extract<FollowUpdate, { type: 'malformed' }>): void {
      noteUnreadable(entry);
    },
    /** What cannot be read is told anew before the next snapshot. */
    disconnected: () => unreadable.clear(),
    /**
     * What stands in the log for a resource of which nothing is known, though it may be served: it
     * would be published as another. `null`: what is known of it is true.
     */
    unknown: (key: ResourceKey): Unreadable | null =>
      get(key).state.status === 'absent' ? unreadableOf(key) : null,
    hasUnreadable: () => unreadable.size > 0,
    /** Resources that exist: served, or refused and waiting to be mended. */
    all: () => [...resources.values()].filter(({ state }) => state.status !== 'absent'),
    incumbents: ports.incumbents,
    takeFreedPorts: ports.takeFreed,
    sealedSecret: (pool: string, namespace: string, name: string) =>
      sealed.get(subjects.secret(pool, namespace, name)) ?? null,
    allSealed: () => [...sealed.values()],
    endpoints: (pool: string, service: ServiceReference) =>
      endpoints.get(subjects.endpoints(pool, service)) ?? null,
    allEndpoints: () => [...endpoints.values()],
    isPublished: (pool: string, logId: string) => published.get(subjects.pool(pool)) === logId,
    /** Somebody has begun to make a lost log anew, and did not get to its end. */
    isRebuilding: (logId: string) => rebuilt === logId && ![...published.values()].includes(logId),
    tombstones: () => [...tombstones.values()],
    /** A purged subject holds nothing any more. Its last sequence is kept: entries may still be under way. */
    forget(subject: string): void {
      const removed = tombstones.get(subject)?.key;
      if (removed !== undefined && isGone(removed)) resources.delete(formatKey(removed));
      for (const map of [sealed, endpoints, published, tombstones]) map.delete(subject);
      for (const ofResource of statuses.values()) ofResource.delete(subject);
    },
    staleStatusesOf,
    staleStatuses: (): readonly Stored[] =>
      [...statuses.keys()].flatMap((id) => {
        const key = parseKey(id);
        return key === null ? [] : staleStatusesOf(key);
      }),
    highestSequence: () => applied.values().reduce((one, other) => Math.max(one, other), 0),
  };
}
