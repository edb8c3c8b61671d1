/** Which statuses have to be written: at most three times per version, and then once in ten seconds. */
export type PendingWrites = {
  /** `urgent`: at once. Else half a second later: what has settled by then is written once. */
  add(id: string, version: number, urgent: boolean): void;
  /**
   * What only informs has changed, and nothing else: written beside those of its version, at most
   * once in thirty seconds, and a second later, so that what passes is not written at all.
   */
  addExtra(id: string): void;
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
const settlingMs = 500;
const extraEveryMs = 30_000;
const extraSettlingMs = 1_000;

type Waiting = { readonly version: number; readonly notBeforeMs: number };

export function createPendingWrites(now: () => number): PendingWrites {
  const waiting = new Map<string, Waiting>();
  const written = new Map<string, { version: number; times: number; atMs: number }>();
  /** When those that only inform may be written, and when they were. */
  const extras = new Map<string, number>();
  const extrasWritten = new Map<string, number>();
  let wake = Promise.withResolvers<void>();
  let suspended = false;

  function isDue(id: string, { version, notBeforeMs }: Waiting): boolean {
    if (now() < notBeforeMs) return false;
    const last = written.get(id);
    if (last === undefined || last.version !== version) return true;
    return last.times < writesPerVersion || now() - last.atMs >= putOffMs;
  }

  function take(): readonly string[] {
    if (suspended) return [];
    const ids = takeVersions();
    return [...ids, ...takeExtras(batchSize - ids.length)];
  }

  function takeVersions(): readonly string[] {
    const due = waiting
      .entries()
      .filter(([id, each]) => isDue(id, each))
      .take(batchSize)
      .toArray();
    for (const [id, { version }] of due) {
      waiting.delete(id);
      const last = written.get(id);
      const times = last?.version === version ? last.times : 0;
      written.set(id, { version, times: times + 1, atMs: now() });
    }
    return due.map(([id]) => id);
  }

  function takeExtras(most: number): readonly string[] {
    const due = extras
      .entries()
      .filter(([, notBeforeMs]) => now() >= notBeforeMs)
      .take(most)
      .toArray();
    for (const [id] of due) {
      extras.delete(id);
      extrasWritten.set(id, now());
    }
    return due.map(([id]) => id);
  }

  return {
    add(id, version, urgent) {
      const before = waiting.get(id);
      const isSame = before?.version === version;
      const notBeforeMs = urgent ? 0 : isSame ? before.notBeforeMs : now() + settlingMs;
      const each = { version, notBeforeMs };
      waiting.set(id, each);
      extras.delete(id); // written with it
      if (isDue(id, each)) wake.resolve();
    },
    addExtra(id) {
      waiting.delete(id);
      const lastMs = extrasWritten.get(id) ?? Number.NEGATIVE_INFINITY;
      const notBeforeMs = Math.max(now() + extraSettlingMs, lastMs + extraEveryMs);
      extras.set(id, extras.get(id) ?? notBeforeMs);
    },
    remove(id) {
      waiting.delete(id);
      extras.delete(id);
    },
    forget(id) {
      for (const map of [waiting, written, extras, extrasWritten]) map.delete(id);
    },
    putBack(ids) {
      suspended = true;
      for (const id of ids) {
        waiting.set(id, { version: written.get(id)?.version ?? 0, notBeforeMs: 0 });
        written.delete(id);
        extrasWritten.delete(id);
      }
    },
    resume() {
      suspended = false;
      if (waiting.size > 0 || extras.size > 0) wake.resolve();
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
