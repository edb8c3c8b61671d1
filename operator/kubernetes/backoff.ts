import { setTimeout } from 'node:timers/promises';

/** Ever longer pauses, each by chance, so that those who failed together do not return together. */
export type Backoff = {
  /** At least `atLeastMs`, at most `atMostMs`; returns at once when `signal` aborts. */
  pause(
    signal: AbortSignal,
    options?: { readonly atLeastMs?: number; readonly atMostMs?: number },
  ): Promise<void>;
  reset(): void;
};

/** Decorrelated jitter: up to three times the pause before. */
export function createBackoff(firstMs: number, longestMs: number): Backoff {
  let lastMs = firstMs;
  return {
    async pause(signal, { atLeastMs = 0, atMostMs = longestMs } = {}) {
      const nextMs = firstMs + Math.random() * (3 * lastMs - firstMs);
      lastMs = Math.min(nextMs, atMostMs, longestMs);
      await pause(Math.max(lastMs, Math.min(atLeastMs, longestMs)), signal);
    },
    reset() {
      lastMs = firstMs;
    },
  };
}

/** Returns at once when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, null, { signal }).catch(() => null);
}
