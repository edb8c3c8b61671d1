import { formatKey, type ResourceKey } from '../../../contracts/resource-key.ts';
import type { Placed } from '../../control-loop/placement.ts';

export type TableEntry = {
  readonly placed: Placed;
  /** Where clients are to be sent; `null`: it was not programmed yet, as far as this process knows. */
  readonly served: Placed | null;
};

/** What was told of resources, and what that means for pools. */
export type PlacementTable = {
  get(key: ResourceKey): TableEntry | null;
  /** Answers the pools for which this changes something. */
  place(placed: Placed): readonly string[];
  displace(key: ResourceKey): readonly string[];
  /** From now on everything is told again. */
  begin(): void;
  /** Everything has been told: answers, and forgets, what was not told again. */
  forgetUntold(): readonly ResourceKey[];
  /** In use: a resource is in it, or has not left it yet. */
  pools(): readonly string[];
  /** The longest any of its connections may take to drain; `null`: the pool is not in use. */
  longestDrainMs(pool: string): number | null;
};

type Told = TableEntry & { readonly round: number };

export function createPlacementTable(): PlacementTable {
  const entries = new Map<string, Told>();
  /** How many resources are in each pool. */
  const uses = new Map<string, number>();
  let round = 0;

  function use(pool: string, by: 1 | -1): void {
    const count = (uses.get(pool) ?? 0) + by;
    if (count > 0) uses.set(pool, count);
    else uses.delete(pool);
  }

  function displace(key: ResourceKey): readonly string[] {
    const before = entries.get(formatKey(key));
    if (before === undefined) return [];
    entries.delete(formatKey(key));
    for (const pool of poolsOf(before.placed)) use(pool, -1);
    return poolsOf(before.placed);
  }

  return {
    get: (key) => entries.get(formatKey(key)) ?? null,
    displace,
    place(placed) {
      const id = formatKey(placed.key);
      const before = entries.get(id);
      const served = placed.programmed ? placed : (before?.served ?? null);
      entries.set(id, { placed, served, round });
      const left = before === undefined ? [] : poolsOf(before.placed);
      for (const pool of poolsOf(placed)) use(pool, 1);
      for (const pool of left) use(pool, -1);
      const isSame = before !== undefined && asksTheSame(before.placed, placed);
      return isSame ? [] : [...poolsOf(placed), ...left];
    },
    begin() {
      round += 1;
    },
    forgetUntold() {
      const untold = [...entries.values()].filter((entry) => entry.round !== round);
      for (const { placed } of untold) displace(placed.key);
      return untold.map(({ placed }) => placed.key);
    },
    pools: () => [...uses.keys()],
    longestDrainMs(pool) {
      if (!uses.has(pool)) return null;
      let longest = 0;
      for (const { placed } of entries.values()) {
        if (poolsOf(placed).includes(pool)) longest = Math.max(longest, placed.drainMs);
      }
      return longest;
    },
  };
}

function poolsOf({ pool, leftBehind }: Placed): readonly string[] {
  return [pool, ...leftBehind];
}

function asksTheSame(one: Placed, other: Placed): boolean {
  return one.drainMs === other.drainMs && poolsOf(one).join() === poolsOf(other).join();
}
