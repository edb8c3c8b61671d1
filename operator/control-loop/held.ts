import { createHash } from 'node:crypto';
import { canonicalJson } from '../../contracts/json.ts';
import {
  allKinds,
  type ConfigOf,
  type EventOf,
  type Kind,
  type StateOf,
} from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { LastEvent, StatusReported } from '../../contracts/status.ts';
import type { LogEntry } from '../../event-log/event-log.ts';

/** A version that pods are told to serve. */
export type Version = {
  readonly sequence: number;
  readonly subject: string;
  readonly time: string;
  readonly configHash: string;
};

/** Everything the log says about one resource. */
export type Held<K extends Kind = Kind> = {
  readonly key: ResourceKey & { readonly kind: K };
  readonly state: StateOf<K>;
  /** Who published it last: its resources are removed by nobody else. */
  readonly source: string | null;
  readonly pool: string;
  readonly inForce: Version | null;
  /** Versions in pools it has left, where it still has to be removed. */
  readonly leftBehind: readonly Version[];
  readonly lastEvent: LastEvent | null;
  readonly firstSeenAt: string | null;
  readonly reported: { readonly sequence: number; readonly data: StatusReported } | null;
};

export function unknownTo<K extends Kind>(key: ResourceKey & { readonly kind: K }): Held<K> {
  return {
    key,
    state: allKinds[key.kind].initialState,
    source: null,
    pool: '',
    inForce: null,
    leftBehind: [],
    lastEvent: null,
    firstSeenAt: null,
    reported: null,
  };
}

/** What is held after an event of the resource. `pool` is that of the entry's subject. */
export function foldEvent<K extends Kind>(
  held: Held<K>,
  event: EventOf<K>,
  entry: LogEntry,
  pool: string,
): Held<K> {
  const places = held.inForce === null ? held.leftBehind : [...held.leftBehind, held.inForce];
  const elsewhere = places.filter(({ subject }) => subject !== entry.subject);
  const isRemoval = event.type === `${held.key.kind}Removed`;
  if (isRemoval && held.inForce !== null && held.inForce.subject !== entry.subject) {
    // The end of a move between pools: it goes on where it is in force.
    return { ...held, leftBehind: elsewhere.filter((place) => place !== held.inForce) };
  }

  const state = allKinds[held.key.kind].evolve(held.state, event);
  const isAnother = uidOf(state) !== uidOf(held.state);
  const common = {
    key: held.key,
    state,
    source: entry.event.source,
    pool,
    lastEvent: lastEventOf(entry, state),
    firstSeenAt: isAnother ? firstSeenAt(held, state, entry) : held.firstSeenAt,
    reported: held.reported,
  };
  if (event.type === `${held.key.kind}Configured`) {
    return { ...common, inForce: versionOf(entry, state), leftBehind: elsewhere };
  }
  const { inForce, leftBehind } = held;
  return { ...common, inForce: isRemoval ? null : inForce, leftBehind };
}

/** What is held after a status of the resource was written. */
export function foldStatus<K extends Kind>(
  held: Held<K>,
  sequence: number,
  data: StatusReported,
): Held<K> {
  const isSame = uidOf(held.state) === data.uid;
  return {
    ...held,
    firstSeenAt: isSame ? data.createdAt : held.firstSeenAt,
    reported: { sequence, data },
  };
}

/** The configuration in force, whatever became of newer versions. */
export function servingOf<K extends Kind>({ key, state }: Held<K>): ConfigOf<K> | null {
  return allKinds[key.kind].lastGood(state)?.config ?? null;
}

/** The pool whose pods serve it; without a version in force, the one its refusals are recorded in. */
export function servingPoolOf(held: Held): string {
  return servingOf(held)?.pool ?? held.pool;
}

/** sha256 of canonical JSON. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function uidOf(state: StateOf<Kind>): string | null {
  return state.status === 'absent' ? null : state.uid;
}

/** A status is kept longer than the event that began it. */
function firstSeenAt({ reported }: Held, state: StateOf<Kind>, { event }: LogEntry): string {
  return reported?.data.uid === uidOf(state) ? reported.data.createdAt : event.time;
}

function versionOf({ sequence, subject, event }: LogEntry, state: StateOf<Kind>): Version {
  const config = state.status === 'serving' ? state.config : null;
  return { sequence, subject, time: event.time, configHash: digestOf(config) };
}

function lastEventOf({ sequence, event }: LogEntry, state: StateOf<Kind>): LastEvent {
  const by = state.status === 'absent' ? null : state.cause;
  return { id: event.id, seq: sequence, time: event.time, type: event.type, by };
}
