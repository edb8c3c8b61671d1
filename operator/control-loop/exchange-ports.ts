import { formatKey, parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { findConflict, type PortClaim } from './ports.ts';

/** The newest version of a resource, were it not for ports; `null`: it cannot be had anyway. */
export type Wish = { readonly pool: string; readonly claims: readonly PortClaim[] };

/** Who has a port of a pool, on any address. */
export type Incumbents = (pool: string, port: number) => readonly PortClaim[];

/** More that would have to move together are left to move one by one. */
const maxMembers = 100;

/**
 * Resources that stand in each other's way but all want to leave: `first` and whoever holds what it
 * wants, and so on. Answers what each would find if all of them moved at once, or `null` if somebody
 * stays where he is. Nobody who stays is touched: the incumbent keeps its port.
 */
export async function findExchange(
  first: ResourceKey,
  wishOf: (key: ResourceKey) => Promise<Wish | null>,
  incumbents: Incumbents,
): Promise<ReadonlyMap<ResourceKey, Incumbents> | null> {
  const members = new Map<string, { readonly key: ResourceKey; readonly wish: Wish }>();
  const joining = [first];
  for (let key = joining.pop(); key !== undefined; key = joining.pop()) {
    const wish = await wishOf(key);
    if (wish === null || members.size === maxMembers) return null;
    members.set(formatKey(key), { key, wish });
    for (const [holder, member] of members) {
      const conflict = findConflict(member.wish.claims, (port) =>
        around(holder)(member.wish.pool, port),
      );
      if (conflict === null) continue;
      const other = parseKey(conflict.held.holder);
      if (other === null || members.has(formatKey(other))) return null;
      joining.push(other);
      break; // once it has joined, all are asked again
    }
  }
  return new Map(Array.from(members, ([holder, { key }]) => [key, around(holder)]));

  /** What `holder` finds: those who stay where they are, and the others where they want to be. */
  function around(holder: string): Incumbents {
    return (pool, port) => [
      ...incumbents(pool, port).filter((claim) => !members.has(claim.holder)),
      ...Array.from(members)
        .filter(([other, { wish }]) => other !== holder && wish.pool === pool)
        .flatMap(([, { wish }]) => wish.claims.filter((claim) => claim.port === port)),
    ];
  }
}
