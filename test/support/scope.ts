import test, { type ExecutionContext } from 'ava';

/** What is started lives until its scope ends: a test, or a whole file. */
export type Scope = Pick<ExecutionContext, 'passed' | 'teardown'> & {
  log(...values: unknown[]): void;
};

/** For what all tests of a file share; call it once, outside of tests. */
export function fileScope(): Scope {
  const ends: (() => unknown)[] = [];
  test.after.always('everything shared is closed', async () => {
    for (const end of ends.reverse()) await end();
  });
  return {
    passed: true,
    log: () => undefined,
    teardown: (end) => {
      ends.push(end);
    },
  };
}
