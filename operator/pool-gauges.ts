import type { Meter, MeterScope } from '../runtime/count.ts';

export type PodCounts = {
  readonly live: number;
  readonly silent: number;
  /** Versions that live pods refuse, one per pod and version. */
  readonly refusals: number;
};

export const nobody: PodCounts = { live: 0, silent: 0, refusals: 0 };

/** Gauges per pool; those of a pool that is gone go after one more scrape. */
export type PoolGauges = {
  showPods(pools: ReadonlyMap<string, PodCounts>): void;
  showPublished(pools: ReadonlyMap<string, number>): void;
  clear(): void;
};

export function createPoolGauges(meter: Meter): PoolGauges {
  const pods = createTable(meter, nobody, (scope, pool, { live, silent, refusals }) => {
    scope.cell('headgate_pods', { pool, state: 'live' }).set(live);
    scope.cell('headgate_pods', { pool, state: 'silent' }).set(silent);
    scope.cell('headgate_refusals', { pool }).set(refusals);
  });
  const published = createTable(meter, 0, (scope, pool, sequence) =>
    scope.cell('headgate_published_sequence', { pool }).set(sequence),
  );
  return {
    showPods: pods,
    showPublished: published,
    clear() {
      pods(new Map());
      published(new Map());
    },
  };
}

/** Shows a table as it is now: what it lacks is no longer shown. */
function createTable<T>(
  meter: Meter,
  nothing: T,
  show: (scope: MeterScope, pool: string, value: T) => void,
): (table: ReadonlyMap<string, T>) => void {
  const scopes = new Map<string, MeterScope>();
  return (table) => {
    for (const [pool, scope] of scopes) {
      if (table.has(pool)) continue;
      scopes.delete(pool);
      show(scope, pool, nothing); // a pool that is back before the next scrape is not counted twice
      scope.close();
    }
    for (const [pool, value] of table) {
      const scope = scopes.get(pool) ?? meter.scope();
      scopes.set(pool, scope);
      show(scope, pool, value);
    }
  };
}
