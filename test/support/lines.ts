import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** What a process has printed so far, and what it will print. */
export type Lines = {
  readonly all: readonly string[];
  /** The first line that matches, at or after position `from`; rejects when the output ends without it. */
  next(matches: (line: string) => boolean, from?: number): Promise<string>;
};

type Waiter = { readonly look: () => boolean; readonly giveUp: () => void };

export function linesOf(stream: Readable): Lines {
  const all: string[] = [];
  const waiters = new Set<Waiter>();
  let ended = false;

  const reader = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  reader.on('line', (line) => {
    all.push(line);
    for (const waiter of waiters) if (waiter.look()) waiters.delete(waiter);
  });
  reader.on('close', () => {
    ended = true;
    for (const waiter of waiters) waiter.giveUp();
    waiters.clear();
  });

  return {
    all,
    next(matches, from = 0) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      let position = from;
      const look = () => {
        while (position < all.length) {
          const line = all[position] ?? '';
          position += 1;
          if (matches(line)) {
            resolve(line);
            return true;
          }
        }
        return false;
      };
      const giveUp = () => reject(new Error('the output ended before the awaited line'));
      if (look()) return promise;
      if (ended) giveUp();
      else waiters.add({ look, giveUp });
      return promise;
    },
  };
}
