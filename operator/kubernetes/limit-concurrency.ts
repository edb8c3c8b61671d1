/** Runs at most `max` tasks at once; the others wait their turn. */
export function limitConcurrency(max: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;

  return async (task) => {
    if (running >= max) {
      const turn = Promise.withResolvers<void>();
      waiting.push(turn.resolve);
      await turn.promise; // whoever finished has left its place to us
    } else {
      running += 1;
    }
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
