import { clusterAnnotations } from '../../../contracts/cluster-names.ts';
import { formatKey, parseKey, type ResourceKey } from '../../../contracts/resource-key.ts';
import type { KubernetesObject } from '../objects.ts';
import { serviceNames as namesFor } from './names.ts';

/** Which resource has which Service: two may wish for the same name, and it stays with the first. */
export type ServiceNames = {
  /** The same each time, until it is given up. */
  claim(key: ResourceKey): string;
  /** The name it has, or had before this process began; `null`: none. */
  find(key: ResourceKey): string | null;
  giveUp(key: ResourceKey): void;
  /** Whose Service this is. */
  ownerOf(name: string): ResourceKey | null;
};

/** `live` is the Service that is there, if it is ours; `isPlaced` whether a resource needs one. */
export function createServiceNames(
  live: (name: string) => KubernetesObject | null,
  isPlaced: (key: ResourceKey) => boolean,
): ServiceNames {
  const ownerByName = new Map<string, ResourceKey>();
  const nameByOwner = new Map<string, string>();

  function ownerOf(name: string): ResourceKey | null {
    return ownerByName.get(name) ?? ownerNamedBy(live(name));
  }

  function find(key: ResourceKey): string | null {
    const id = formatKey(key);
    const has = (name: string) => {
      const owner = ownerOf(name);
      return owner !== null && formatKey(owner) === id;
    };
    return nameByOwner.get(id) ?? namesFor(key).find(has) ?? null;
  }

  function isFree(name: string): boolean {
    const owner = ownerOf(name);
    return owner === null || !isPlaced(owner);
  }

  return {
    ownerOf,
    find,
    claim(key) {
      const [plain, unmistakable] = namesFor(key);
      const name = find(key) ?? (isFree(plain) ? plain : unmistakable);
      ownerByName.set(name, key);
      nameByOwner.set(formatKey(key), name);
      return name;
    },
    giveUp(key) {
      const name = nameByOwner.get(formatKey(key));
      nameByOwner.delete(formatKey(key));
      if (name !== undefined) ownerByName.delete(name);
    },
  };
}

function ownerNamedBy(service: KubernetesObject | null): ResourceKey | null {
  const owner = service?.metadata.annotations?.[clusterAnnotations.owner];
  return owner === undefined ? null : parseKey(owner);
}
