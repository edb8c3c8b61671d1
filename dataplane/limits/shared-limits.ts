import { AccountLayout } from './pod-accounts.ts';

/** Limits of one resource, or of everything, that hold for the whole pod. */
export type SharedLimits = {
  /** Takes one of `limit` places, or says no. */
  take(what: Counted, limit: number): boolean;
  give(what: Counted): void;
};

export type Counted = 'connections' | 'tunnels';

const layout = new AccountLayout<Counted>(['connections', 'tunnels']);

/** Memory for the counters of one resource and `workers` threads. */
export function limitsMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(layout.bytes(workers));
}

export function openLimits(memory: SharedArrayBuffer, worker: number): SharedLimits {
  const accounts = layout.open(new Uint32Array(memory), worker);
  return {
    take: (what, limit) => accounts.take(what, 1, limit),
    give: (what) => accounts.give(what, 1),
  };
}

/** Gives back what a dead thread held. */
export function reclaimLimits(memory: SharedArrayBuffer, worker: number): void {
  layout.reclaim(new Uint32Array(memory), worker);
}
