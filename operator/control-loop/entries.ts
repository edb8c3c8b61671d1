import { randomUUID } from 'node:crypto';
import type { Envelope } from '../../contracts/envelope.ts';
import {
  allKinds,
  type ConfigOf,
  type EventOf,
  type Kind,
} from '../../contracts/kinds/all-kinds.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import type { NewEntry } from '../../event-log/event-log.ts';
import type { Held } from './held.ts';

/** Where events of this operator go, and what stands around them. */
export type Writing = {
  readonly subjects: Subjects;
  readonly sourceId: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

const journalSeconds = 30 * 24 * 3600;

/** An event with a new id, which it keeps however often it is tried. */
export function envelope(
  { sourceId, now }: Pick<Writing, 'sourceId' | 'now'>,
  type: string,
  subject: string,
  data: unknown,
): Envelope {
  const time = new Date(now()).toISOString();
  return { id: randomUUID(), source: sourceId, type, subject, time, data };
}

/** `Configured` and `Removed` go where pods look, all else to the journal: see subjects.ts. */
export function eventEntries<K extends Kind>(
  writing: Writing,
  held: Held<K>,
  event: EventOf<K>,
): readonly NewEntry[] {
  const { key } = held;
  const { subjects } = writing;
  const type = allKinds[key.kind].eventTypes[event.type];
  const recorded = () => envelope(writing, type, formatKey(key), event);

  const config = configIn(key.kind, event);
  if (config !== null) return [{ subject: subjects.config(config.pool, key), event: recorded() }];
  if (event.type === `${key.kind}Removed`) {
    return placesOf(writing, held).map((subject) => ({ subject, event: recorded() }));
  }
  const subject = subjects.journal(poolOf(held), key);
  return [{ subject, event: recorded(), ttlSeconds: journalSeconds }];
}

/** Ends a move between pools: the new pool serves it, so the old ones stop. */
export function leavingEntries<K extends Kind>(
  writing: Writing,
  { key, state, leftBehind }: Held<K>,
): readonly NewEntry[] {
  if (state.status === 'absent') return [];
  const removed = `${key.kind}Removed` as const;
  const data = { type: removed, uid: state.uid };
  return leftBehind.map(({ subject }) => ({
    subject,
    event: envelope(writing, allKinds[key.kind].eventTypes[removed], formatKey(key), data),
  }));
}

/** Every pool that may serve it; where none does, the one its refusals were recorded in. */
function placesOf<K extends Kind>({ subjects }: Writing, held: Held<K>): readonly string[] {
  const { inForce, leftBehind } = held;
  const places = inForce === null ? leftBehind : [...leftBehind, inForce];
  if (places.length === 0) return [subjects.config(poolOf(held), held.key)];
  return places.map(({ subject }) => subject);
}

function poolOf({ pool }: Held): string {
  return pool === '' ? 'default' : pool;
}

/** What an event tells pods to serve; `null` for events that tell something else. */
export function configIn<K extends Kind>(kind: K, event: EventOf<K>): ConfigOf<K> | null {
  const { evolve, initialState, lastGood } = allKinds[kind];
  return lastGood(evolve(initialState, event))?.config ?? null;
}
