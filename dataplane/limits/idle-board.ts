/**
 * Where each serving thread writes since when its longest idle connection of a resource has been
 * idle, so that at the limit the oldest of all threads makes room and not just the oldest of one's own.
 * One word per thread, milliseconds modulo 2³²; 0: it has none.
 */
export type IdleBoard = {
  /** Says since when the oldest of this thread has been idle; `null`: it has none. */
  post(sinceMs: number | null): void;
  /** The thread that has the oldest one; `null`: nobody has any. */
  holder(nowMs: number): number | null;
};

export function idleBoardMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * Int32Array.BYTES_PER_ELEMENT);
}

export function openIdleBoard(memory: SharedArrayBuffer, worker: number): IdleBoard {
  const words = new Int32Array(memory);
  return {
    post(sinceMs) {
      Atomics.store(words, worker, sinceMs === null ? 0 : wordOf(sinceMs));
    },
    holder(nowMs) {
      let oldest: number | null = null;
      let longestMs = -1;
      for (let at = 0; at < words.length; at++) {
        const since = Atomics.load(words, at);
        // The difference is right across the wrap; two clocks read apart may make it negative.
        const idleMs = since === 0 ? -1 : Math.max(0, (wordOf(nowMs) - since) | 0);
        if (idleMs > longestMs) [oldest, longestMs] = [at, idleMs];
      }
      return oldest;
    },
  };
}

/** Takes down what a dead thread posted. */
export function reclaimIdleBoard(memory: SharedArrayBuffer, worker: number): void {
  Atomics.store(new Int32Array(memory), worker, 0);
}

const wordOf = (ms: number): number => (ms % 2 ** 32) | 0 || 1;
