/** What was told so far, and what will be. */
export type Told = {
  readonly all: readonly string[];
  /** Resolves once this was told since the last time it was asked; order among others does not matter. */
  next(line: string): Promise<void>;
  tell(line: string): void;
};

export function createTold(): Told {
  const all: string[] = [];
  const unread: string[] = [];
  let wake = Promise.withResolvers<void>();
  return {
    all,
    tell(line) {
      all.push(line);
      unread.push(line);
      wake.resolve();
    },
    async next(line) {
      for (;;) {
        const index = unread.indexOf(line);
        if (index >= 0) {
          unread.splice(index, 1);
          return;
        }
        wake = Promise.withResolvers<void>();
        await wake.promise;
      }
    },
  };
}
