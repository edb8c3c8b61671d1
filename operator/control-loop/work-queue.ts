/**
 * Keys to look at, all that are ready at once and each only once however often it was added; keys
 * that failed come back later and later.
 */
export type WorkQueue<T> = AsyncIterable<readonly T[]> & {
  add(item: T): void;
  /** Looks at it again after its back-off: 0.1 s, doubled each time up to 10 s. */
  retry(item: T): void;
  /** It went well: the next failure starts with the shortest back-off. */
  succeeded(item: T): void;
  /** What stood in the way is gone: everything that waits is looked at now. */
  retryAllNow(): void;
};

/** How long keys wait, and how many. */
export type QueueMetrics = {
  queueDepth(items: number): void;
  waitedInQueue(ms: number): void;
};

const firstRetryMs = 100;
const lastRetryMs = 10_000;

export function createWorkQueue<T>(
  identify: (item: T) => string,
  signal: AbortSignal,
  metrics: QueueMetrics,
  mostAtOnce = 200,
): WorkQueue<T> {
  const ready = new Map<string, { readonly item: T; readonly sinceMs: number }>();
  const failures = new Map<string, number>();
  const waiting = new Map<string, { item: T; timer: NodeJS.Timeout }>();
  let wake = (): void => undefined;

  function add(item: T): void {
    const id = identify(item);
    ready.set(id, { item, sinceMs: ready.get(id)?.sinceMs ?? performance.now() });
    metrics.queueDepth(ready.size);
    wake();
  }

  signal.addEventListener('abort', () => {
    for (const { timer } of waiting.values()) clearTimeout(timer);
    waiting.clear();
    wake();
  });

  return {
    add,
    retry(item) {
      if (signal.aborted) return;
      const id = identify(item);
      const failed = failures.get(id) ?? 0;
      failures.set(id, failed + 1);
      clearTimeout(waiting.get(id)?.timer);
      const timer = setTimeout(
        () => {
          waiting.delete(id);
          add(item);
        },
        Math.min(firstRetryMs * 2 ** failed, lastRetryMs),
      );
      waiting.set(id, { item, timer });
    },
    succeeded(item) {
      failures.delete(identify(item));
    },
    retryAllNow() {
      for (const { item, timer } of waiting.values()) {
        clearTimeout(timer);
        add(item);
      }
      waiting.clear();
    },
    async *[Symbol.asyncIterator]() {
      while (!signal.aborted) {
        if (ready.size === 0) {
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          await promise;
          continue;
        }
        const taken = ready.entries().take(mostAtOnce).toArray();
        for (const [id, { sinceMs }] of taken) {
          ready.delete(id); // before it is looked at: a change from now on counts as new
          metrics.waitedInQueue(performance.now() - sinceMs);
        }
        metrics.queueDepth(ready.size);
        yield taken.map(([, { item }]) => item);
      }
    },
  };
}
