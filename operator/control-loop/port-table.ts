import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { deciders } from '../kinds/all-kinds.ts';
import { type Held, servingOf } from './held.ts';
import type { PortClaim } from './ports.ts';

/** The ports in force, kept by pool: every pass asks for them, and there may be thousands. */
export type PortTable = {
  update(held: Held): void;
  incumbents(pool: string): readonly PortClaim[];
  clear(): void;
};

type Pool = {
  readonly byHolder: Map<string, readonly PortClaim[]>;
  /** All of them; `null` after a change, until somebody asks. */
  flat: readonly PortClaim[] | null;
};

export function createPortTable(): PortTable {
  const pools = new Map<string, Pool>();
  const poolOfHolder = new Map<string, string>();

  function remove(holder: string): void {
    const pool = pools.get(poolOfHolder.get(holder) ?? '');
    if (pool === undefined) return;
    pool.byHolder.delete(holder);
    pool.flat = null;
    poolOfHolder.delete(holder);
  }

  return {
    update(held) {
      const holder = formatKey(held.key);
      remove(holder);
      const config = servingOf(held);
      if (config === null) return;
      const pool = pools.get(config.pool) ?? { byHolder: new Map(), flat: null };
      pools.set(config.pool, pool);
      pool.byHolder.set(holder, claimsOf(held.key, config));
      pool.flat = null;
      poolOfHolder.set(holder, config.pool);
    },
    incumbents(name) {
      const pool = pools.get(name);
      if (pool === undefined) return [];
      pool.flat ??= [...pool.byHolder.values()].flat();
      return pool.flat;
    },
    clear() {
      pools.clear();
      poolOfHolder.clear();
    },
  };
}

/** The ports a configuration wants or holds. */
export function claimsOf<K extends Kind>(
  key: ResourceKey & { readonly kind: K },
  config: ConfigOf<K>,
): readonly PortClaim[] {
  const holder = formatKey(key);
  return deciders[key.kind].listenersOf(config).map((listener) => ({ holder, ...listener }));
}
