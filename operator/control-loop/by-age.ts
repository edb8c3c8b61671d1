import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Source } from './source.ts';

/**
 * The oldest first, then by name: of those who come together and want one port it is the older that
 * gets it. What is gone comes before all, for it leaves ports; a directory does not know ages.
 */
export function byAge(
  source: Pick<Source, 'read'>,
  keys: readonly ResourceKey[],
): readonly ResourceKey[] {
  return keys
    .map((key) => ({ key, age: `${source.read(key)?.createdAt ?? ''} ${formatKey(key)}` }))
    .sort((one, other) => (one.age < other.age ? -1 : 1))
    .map(({ key }) => key);
}
