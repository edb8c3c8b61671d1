import type { Subjects } from '../../contracts/subjects.ts';
import type { Leader } from '../../event-log/event-log.ts';
import { deciders } from '../kinds/all-kinds.ts';
import { type Held, servingOf } from './held.ts';
import type { States, Stored } from './states.ts';

/** Long enough for every pod to have seen that the resource is gone. */
const keepTombstonesMs = 7 * 24 * 3600 * 1000;

/**
 * Purges what nobody needs any more: old tombstones, secret material no version in force names, and
 * statuses that an operator which was killed could not take back.
 */
export async function keepHouse(
  states: States,
  leader: Leader,
  subjects: Subjects,
  nowMs: number,
): Promise<void> {
  const old = states.tombstones().filter(({ time }) => nowMs - Date.parse(time) > keepTombstonesMs);
  const unneeded = [...old, ...unnamedSecrets(states, subjects), ...states.staleStatuses()];
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

/** A version that cannot be read may name any of them. */
function unnamedSecrets(states: States, subjects: Subjects): readonly Stored[] {
  if (states.hasUnreadable()) return [];
  const named = new Set(states.all().flatMap((held) => secretsInForce(held, subjects)));
  return states.allSealed().filter(({ subject }) => !named.has(subject));
}

/** Also in the pools that it is about to leave. */
function secretsInForce(held: Held, subjects: Subjects): readonly string[] {
  const config = servingOf(held);
  if (config === null) return [];
  const pools = [config.pool, ...held.leftBehind.map(({ subject }) => subjects.poolOf(subject))];
  return deciders[held.key.kind]
    .secretsIn(config)
    .flatMap(({ namespace, name }) => pools.map((pool) => subjects.secret(pool, namespace, name)));
}
