/** Which statuses have to be written: at most three times per version, and then once in ten seconds. */
export type PendingWrites = {
  add(id: string, version: number): void;
  remove(id: string): void;
  /** The resource is no more. */
  forget(id: string): void;
  /** They could not be written: nothing is tried again before `resume`. */
  putBack(ids: readonly string[]): void;
  /** Looks again at what was put back or put off. */
  resume(): void;
  batches(signal: AbortSignal): AsyncIterable<readonly string[]>;
};

const writesPerVersion = 3;
const putOffMs = 10_000;
const batchSize = 100;

export function createPendingWrites(now: () => number): PendingWrites {
  const waiting = new Map<string, number>();
  const written = new Map<string, { version: number; times: number; atMs: number }>();
  let wake = Promise.withResolvers<void>();
  let suspended = false;

  function isDue(id: string, version: number): boolean {
    const last = written.get(id);
    if (last === undefined || last.version !== version) return true;
    return last.times < writesPerVersion || now() - last.atMs >= putOffMs;
  }

  function take(): readonly string[] {
    if (suspended) return [];
    const due = [...waiting].filter(([id, version]) => isDue(id, version)).slice(0, batchSize);
    for (const [id, version] of due) {
      waiting.delete(id);
      const last = written.get(id);
      const times = last?.version === version ? last.times : 0;
      written.set(id, { version, times: times + 1, atMs: now() });
    }
    return due.map(([id]) => id);
  }

  return {
    add(id, version) {
      waiting.set(id, version);
      if (isDue(id, version)) wake.resolve();
    },
    remove(id) {
      waiting.delete(id);
    },
    forget(id) {
      waiting.delete(id);
      written.delete(id);
    },
    putBack(ids) {
      suspended = true;
      for (const id of ids) {
        waiting.set(id, written.get(id)?.version ?? 0);
        written.delete(id);
      }
    },
    resume() {
      suspended = false;
      if (waiting.size > 0) wake.resolve();
    },
    async *batches(signal) {
      const stop = () => wake.resolve();
      signal.addEventListener('abort', stop, { once: true });
      while (!signal.aborted) {
        const ids = take();
        if (ids.length > 0) {
          yield ids;
          continue;
        }
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    },
  };
}
