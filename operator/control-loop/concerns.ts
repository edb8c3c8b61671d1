import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { isLocal, type ServiceReference } from '../../contracts/service-reference.ts';

type Keys = Map<string, ResourceKey>;

type Referred = 'Secret' | 'Service' | 'ReferenceGrant';
type Named = { readonly namespace: string; readonly name: string };

/** What a resource refers to. */
export type References = {
  readonly secrets: readonly Named[];
  readonly services: readonly ServiceReference[];
};

export const noReferences: References = { secrets: [], services: [] };

/**
 * Which resources have to be looked at again when something else changes. What a pass depends on is
 * noted before it is read: a change in between must not be missed.
 */
export type Concerns = ReturnType<typeof createConcerns>;

export function createConcerns() {
  const usersOf = new Map<string, Keys>();
  /** The other way round: thousands of Secrets are not searched for those that one resource names. */
  const referredBy = new Map<string, ReadonlySet<string>>();
  const lackingPorts: Keys = new Map();
  const waitingForSource: Keys = new Map();

  function put(keys: Keys, key: ResourceKey, concerned: boolean): void {
    if (concerned) keys.set(formatKey(key), key);
    else keys.delete(formatKey(key));
  }

  return {
    refersTo(key: ResourceKey, { secrets, services }: References): void {
      const id = formatKey(key);
      const wanted = new Set([
        ...secrets.map((each) => idOf('Secret', each)),
        ...services.map((each) => idOf('Service', each)),
        ...services
          .filter((each) => !isLocal(each))
          .map(({ namespace }) => idOf('ReferenceGrant', grantsIn(namespace))),
      ]);
      for (const referred of referredBy.get(id) ?? []) {
        const users = usersOf.get(referred);
        users?.delete(id);
        if (users?.size === 0) usersOf.delete(referred);
      }
      for (const referred of wanted) {
        const users: Keys = usersOf.get(referred) ?? new Map();
        usersOf.set(referred, users.set(id, key));
      }
      if (wanted.size === 0) referredBy.delete(id);
      else referredBy.set(id, wanted);
    },
    usersOf: (kind: Referred, named: Named): readonly ResourceKey[] => [
      ...(usersOf.get(idOf(kind, named))?.values() ?? []),
    ],
    /** Somebody else holds a port it wants. */
    lacksPort: (key: ResourceKey, lacks: boolean): void => put(lackingPorts, key, lacks),
    lackingPorts: (): readonly ResourceKey[] => [...lackingPorts.values()],
    /** It is gone, but a part of the source cannot be read: absence proves nothing. */
    waitsForSource: (key: ResourceKey, waits: boolean): void => put(waitingForSource, key, waits),
    waitingForSource: (): readonly ResourceKey[] => [...waitingForSource.values()],
  };
}

/** All of a namespace together: any of them may permit a reference. */
export function grantsIn(namespace: string): Named {
  return { namespace, name: '' };
}

function idOf(kind: Referred, { namespace, name }: Named): string {
  return `${kind}/${namespace}/${name}`;
}
