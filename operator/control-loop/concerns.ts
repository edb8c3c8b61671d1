import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Pass } from './reconcile.ts';

type Keys = Map<string, ResourceKey>;

/** Which resources have to be looked at again when something else changes. */
export type Concerns = ReturnType<typeof createConcerns>;

export function createConcerns() {
  const usersOfSecret = new Map<string, Keys>();
  const refusedPorts: Keys = new Map();
  const waitingForSource: Keys = new Map();

  function put(keys: Keys, key: ResourceKey, concerned: boolean): void {
    if (concerned) keys.set(formatKey(key), key);
    else keys.delete(formatKey(key));
  }

  return {
    /** Notes what the newest pass of a resource depends on. */
    note(key: ResourceKey, { secrets, waitsForSource }: Pass, lacksPort: boolean): void {
      put(waitingForSource, key, waitsForSource);
      put(refusedPorts, key, lacksPort);
      for (const users of usersOfSecret.values()) put(users, key, false);
      for (const { reference } of secrets) {
        const secret = `${reference.namespace}/${reference.name}`;
        const users = usersOfSecret.get(secret) ?? new Map();
        usersOfSecret.set(secret, users);
        put(users, key, true);
      }
    },
    usersOf: (namespace: string, name: string): readonly ResourceKey[] => [
      ...(usersOfSecret.get(`${namespace}/${name}`)?.values() ?? []),
    ],
    /** A port may have been freed. */
    lackingPorts: (): readonly ResourceKey[] => [...refusedPorts.values()],
    /** The source can be read completely again. */
    waitingForSource: (): readonly ResourceKey[] => [...waitingForSource.values()],
  };
}
