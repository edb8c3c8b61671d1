import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { SecretReference } from '../kinds/decider.ts';

type Keys = Map<string, ResourceKey>;

/**
 * Which resources have to be looked at again when something else changes. What a pass depends on is
 * noted before it is read: a change in between must not be missed.
 */
export type Concerns = ReturnType<typeof createConcerns>;

export function createConcerns() {
  const usersOfSecret = new Map<string, Keys>();
  const lackingPorts: Keys = new Map();
  const waitingForSource: Keys = new Map();

  function put(keys: Keys, key: ResourceKey, concerned: boolean): void {
    if (concerned) keys.set(formatKey(key), key);
    else keys.delete(formatKey(key));
  }

  return {
    refersTo(key: ResourceKey, references: readonly SecretReference[]): void {
      for (const [secret, users] of usersOfSecret) {
        put(users, key, false);
        if (users.size === 0) usersOfSecret.delete(secret);
      }
      for (const { namespace, name } of references) {
        const secret = `${namespace}/${name}`;
        const users: Keys = usersOfSecret.get(secret) ?? new Map();
        usersOfSecret.set(secret, users);
        put(users, key, true);
      }
    },
    usersOf: (namespace: string, name: string): readonly ResourceKey[] => [
      ...(usersOfSecret.get(`${namespace}/${name}`)?.values() ?? []),
    ],
    /** Somebody else holds a port it wants. */
    lacksPort: (key: ResourceKey, lacks: boolean): void => put(lackingPorts, key, lacks),
    lackingPorts: (): readonly ResourceKey[] => [...lackingPorts.values()],
    /** It is gone, but a part of the source cannot be read: absence proves nothing. */
    waitsForSource: (key: ResourceKey, waits: boolean): void => put(waitingForSource, key, waits),
    waitingForSource: (): readonly ResourceKey[] => [...waitingForSource.values()],
  };
}
