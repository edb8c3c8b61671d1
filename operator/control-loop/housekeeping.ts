import type { Leader } from '../../event-log/event-log.ts';
import { deciders } from '../kinds/all-kinds.ts';
import { type Held, servingOf } from './held.ts';
import type { States } from './states.ts';

/** Long enough for every pod to have seen that the resource is gone. */
const keepTombstonesMs = 7 * 24 * 3600 * 1000;

/** Purges what nobody needs any more: old tombstones, and secret material no version in force names. */
export async function keepHouse(states: States, leader: Leader, nowMs: number): Promise<number> {
  const old = states.tombstones().filter(({ time }) => nowMs - Date.parse(time) > keepTombstonesMs);
  const named = new Set(states.all().flatMap(secretsInForce));
  const unnamed = states
    .allSealed()
    .filter(({ namespace, name }) => !named.has(`${namespace}/${name}`));
  for (const { subject, sequence } of [...old, ...unnamed]) {
    await leader.purge(subject, sequence);
    states.forget(subject);
  }
  return old.length + unnamed.length;
}

function secretsInForce(held: Held): readonly string[] {
  const config = servingOf(held);
  if (config === null) return [];
  return deciders[held.key.kind]
    .secretsIn(config)
    .map(({ namespace, name }) => `${namespace}/${name}`);
}
