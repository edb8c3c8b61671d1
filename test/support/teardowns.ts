/** What is started lives until its scope ends: a test, a whole file, or a benchmark. */
export type Scope = {
  readonly passed: boolean;
  log(...values: unknown[]): void;
  teardown(end: () => unknown): void;
};

/** A scope of its own; closing it takes everything down, last one first. */
export function createScope(): Scope & { close(): Promise<void> } {
  const ends: (() => unknown)[] = [];
  return {
    passed: true,
    log: () => undefined,
    teardown: (end) => {
      ends.push(end);
    },
    async close() {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}
