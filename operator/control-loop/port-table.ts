import { isDeepStrictEqual } from 'node:util';
import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import { type Held, servingOf } from './held.ts';
import type { PortClaim } from './ports.ts';

/** The ports in force, by pool and port: every pass asks for them, and there may be thousands. */
export type PortTable = {
  update(held: Held): void;
  /** Who has this port of a pool, on any address. */
  incumbents(pool: string, port: number): readonly PortClaim[];
  /** Whether a port was given up since this was last asked. */
  takeFreed(): boolean;
  clear(): void;
};

export function createPortTable(): PortTable {
  const byPort = new Map<string, readonly PortClaim[]>();
  const placesOf = new Map<string, readonly Place[]>();
  let freed = false;

  function remove(holder: string): void {
    for (const { place } of placesOf.get(holder) ?? []) {
      const others = (byPort.get(place) ?? []).filter((claim) => claim.holder !== holder);
      if (others.length > 0) byPort.set(place, others);
      else byPort.delete(place);
    }
    placesOf.delete(holder);
  }

  function put(holder: string, places: readonly Place[]): void {
    for (const { place, claim } of places) byPort.set(place, [...(byPort.get(place) ?? []), claim]);
    if (places.length > 0) placesOf.set(holder, places);
  }

  return {
    update(held) {
      const holder = formatKey(held.key);
      const before = placesOf.get(holder) ?? [];
      const after = placesIn(held);
      freed ||= before.some((old) => !after.some((place) => isSame(old, place)));
      remove(holder);
      put(holder, after);
    },
    incumbents: (pool, port) => byPort.get(placeOf(pool, port)) ?? [],
    takeFreed() {
      const answer = freed;
      freed = false;
      return answer;
    },
    clear() {
      byPort.clear();
      placesOf.clear();
      freed = true; // whatever comes now may lack what was there
    },
  };
}

/** A claim, and the port of a pool that it is to. */
export type Place = { readonly place: string; readonly claim: PortClaim };

function placesIn(held: Held): readonly Place[] {
  const config = servingOf(held);
  return config === null ? [] : placesWanted(held.key, config);
}

/** The ports of its pool that a configuration wants or holds. */
export function placesWanted<K extends Kind>(
  key: ResourceKey & { readonly kind: K },
  config: ConfigOf<K>,
): readonly Place[] {
  return claimsOf(key, config).map((claim) => ({
    place: placeOf(config.pool, claim.port),
    claim,
  }));
}

/** Another address of the same port leaves room for who could not have it before, and so may another listener there. */
function isSame(one: Place, other: Place): boolean {
  return one.place === other.place && isDeepStrictEqual(one.claim, other.claim);
}

/** What a port of a pool is called here; pools are DNS labels. */
function placeOf(pool: string, port: number): string {
  return `${pool}:${port}`;
}

/** The ports a configuration wants or holds. */
export function claimsOf<K extends Kind>(
  key: ResourceKey & { readonly kind: K },
  config: ConfigOf<K>,
): readonly PortClaim[] {
  const holder = formatKey(key);
  return deciderOf(key.kind)
    .listenersOf(config)
    .map((listener) => ({ holder, ...listener }));
}
