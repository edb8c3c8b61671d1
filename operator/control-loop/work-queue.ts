/**
 * Keys to look at, one at a time and each only once however often it was added; keys that failed
 * come back later and later.
 */
export type WorkQueue<T> = AsyncIterable<T> & {
  add(item: T): void;
  /** Looks at it again after its back-off: 0.1 s, doubled each time up to 10 s. */
  retry(item: T): void;
  /** It went well: the next failure starts with the shortest back-off. */
  succeeded(item: T): void;
  /** What stood in the way is gone: everything that waits is looked at now. */
  retryAllNow(): void;
};

const firstRetryMs = 100;
const lastRetryMs = 10_000;

export function createWorkQueue<T>(
  identify: (item: T) => string,
  signal: AbortSignal,
): WorkQueue<T> {
  const ready = new Map<string, T>();
  const failures = new Map<string, number>();
  const waiting = new Map<string, { item: T; timer: NodeJS.Timeout }>();
  let wake = (): void => undefined;

  function add(item: T): void {
    ready.set(identify(item), item);
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
        const [next] = ready;
        if (next === undefined) {
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          await promise;
          continue;
        }
        const [id, item] = next;
        ready.delete(id); // before it is looked at: a change from now on counts as new
        yield item;
      }
    },
  };
}
