import type { Subjects } from '../../contracts/subjects.ts';
import type { Leader } from '../../event-log/event-log.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import { type Held, servingOf } from './held.ts';
import type { States, Stored } from './states.ts';

/** Long enough for every pod to have seen that the resource is gone. */
const keepTombstonesMs = 7 * 24 * 3600 * 1000;

/**
 * Purges what nobody needs any more: old tombstones, secret material and endpoints that no version in
 * force names, and statuses that an operator which was killed could not take back.
 */
export async function keepHouse(
  states: States,
  leader: Leader,
  subjects: Subjects,
  nowMs: number,
): Promise<void> {
  const old = states.tombstones().filter(({ time }) => nowMs - Date.parse(time) > keepTombstonesMs);
  const unneeded = [...old, ...unnamedReferences(states, subjects), ...states.staleStatuses()];
  await purgeAll(states, leader, unneeded);
}

/** Purges them; from now on nobody counts on them. */
export async function purgeAll(
  states: States,
  leader: Leader,
  unneeded: readonly Stored[],
): Promise<void> {
  for (const { subject, sequence } of unneeded) {
    states.forget(subject);
    await leader.purge(subject, sequence);
  }
}

/**
 * A version that cannot be read may name any of them; so may one in a pool that a resource is about
 * to leave, and which serves on until it has arrived.
 */
function unnamedReferences(states: States, subjects: Subjects): readonly Stored[] {
  if (states.hasUnreadable()) return [];
  const all = states.all();
  const named = new Set(all.flatMap((held) => referencesInForce(held, subjects)));
  const leaving = new Set(
    all.flatMap(({ leftBehind }) => leftBehind.map(({ subject }) => subjects.poolOf(subject))),
  );
  const stored = [...states.allSealed(), ...states.allEndpoints()];
  return stored.filter(
    ({ subject }) => !named.has(subject) && !leaving.has(subjects.poolOf(subject)),
  );
}

function referencesInForce(held: Held, subjects: Subjects): readonly string[] {
  const config = servingOf(held);
  if (config === null) return [];
  const { pool } = config;
  const decider = deciderOf(held.key.kind);
  const secrets = decider.secretsIn(config);
  const services = decider.servicesIn(config);
  return [
    ...secrets.map(({ namespace, name }) => subjects.secret(pool, namespace, name)),
    ...services.map((service) => subjects.endpoints(pool, service)),
  ];
}
