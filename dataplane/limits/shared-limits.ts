/**
 * Limits that hold for the whole pod: counters that all serving threads share. Each count is kept
 * twice, in total and per thread, so that a thread that dies gives back what it held.
 */

/** Counters of one resource: connections and tunnels. */
export type SharedLimits = {
  /** Takes one of `limit` places, or says no. */
  take(what: Counted, limit: number): boolean;
  give(what: Counted): void;
};

export type Counted = 'connections' | 'tunnels';

const offsets: Readonly<Record<Counted, number>> = { connections: 0, tunnels: 1 };
const counters = 2;

/** Memory for the counters of one resource and `workers` threads. */
export function limitsMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer((1 + workers) * counters * Int32Array.BYTES_PER_ELEMENT);
}

export function openLimits(memory: SharedArrayBuffer, worker: number): SharedLimits {
  const counts = new Int32Array(memory);
  const own = (1 + worker) * counters;
  return {
    take(what, limit) {
      const at = offsets[what];
      if (Atomics.add(counts, at, 1) >= limit) {
        Atomics.sub(counts, at, 1);
        return false;
      }
      Atomics.add(counts, own + at, 1);
      return true;
    },
    give(what) {
      Atomics.sub(counts, offsets[what], 1);
      Atomics.sub(counts, own + offsets[what], 1);
    },
  };
}

/** Gives back what a dead thread held. */
export function reclaimLimits(memory: SharedArrayBuffer, worker: number): void {
  const counts = new Int32Array(memory);
  for (let at = 0; at < counters; at++) {
    const held = Atomics.exchange(counts, (1 + worker) * counters + at, 0);
    Atomics.sub(counts, at, held);
  }
}
