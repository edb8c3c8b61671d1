/** What one side pushes, the other iterates, in order. Ends with `signal`, `end` or `fail`. */
export type Feed<T> = AsyncIterable<T> & {
  push(item: T): void;
  /** What was pushed before is still delivered. */
  end(): void;
  fail(error: Error): void;
};

/** For one reader. It buffers without limit, so what is pushed must be bounded by its nature. */
export function createFeed<T>(signal: AbortSignal): Feed<T> {
  let items: T[] = [];
  let ended = signal.aborted;
  let failure: Error | null = null;
  let wake = Promise.withResolvers<void>();

  const stop = (error: Error | null) => {
    if (ended) return;
    ended = true;
    failure = error;
    wake.resolve();
  };
  const abort = () => {
    items = [];
    stop(null);
  };
  signal.addEventListener('abort', abort, { once: true });

  function* drain(): Generator<T> {
    const batch = items;
    items = [];
    for (const item of batch) {
      if (signal.aborted) return;
      yield item;
    }
  }

  async function* iterate(): AsyncGenerator<T> {
    try {
      while (!signal.aborted) {
        if (items.length > 0) yield* drain();
        else if (failure !== null) throw failure;
        else if (ended) return;
        else {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      }
    } finally {
      signal.removeEventListener('abort', abort);
      abort();
    }
  }

  return {
    push(item) {
      if (ended) return;
      items.push(item);
      wake.resolve();
    },
    end: () => stop(null),
    fail: stop,
    [Symbol.asyncIterator]: iterate,
  };
}
