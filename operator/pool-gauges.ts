import type { Meter } from '../runtime/count.ts';
import { createGaugeTable } from '../runtime/gauge-table.ts';

export type PodCounts = {
  readonly live: number;
  readonly silent: number;
  /** Versions that live pods refuse, one per pod and version. */
  readonly refusals: number;
};

export const nobody: PodCounts = { live: 0, silent: 0, refusals: 0 };

/** Gauges per pool. */
export type PoolGauges = {
  showPods(pools: ReadonlyMap<string, PodCounts>): void;
  showPublished(pools: ReadonlyMap<string, number>): void;
  clear(): void;
};

export function createPoolGauges(meter: Meter): PoolGauges {
  const pods = createGaugeTable<PodCounts>(meter, (scope, pool) => {
    const live = scope.cell('headgate_pods', { pool, state: 'live' });
    const silent = scope.cell('headgate_pods', { pool, state: 'silent' });
    const refusals = scope.cell('headgate_refusals', { pool });
    return (counts) => {
      live.set(counts.live);
      silent.set(counts.silent);
      refusals.set(counts.refusals);
    };
  });
  const published = createGaugeTable<number>(meter, (scope, pool) => {
    const cell = scope.cell('headgate_published_sequence', { pool });
    return (sequence) => cell.set(sequence);
  });
  return {
    showPods: pods,
    showPublished: published,
    clear() {
      pods(new Map());
      published(new Map());
    },
  };
}
