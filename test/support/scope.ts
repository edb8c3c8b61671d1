import test from 'ava';
import { createScope, type Scope } from './teardowns.ts';

/** For what all tests of a file share; call it once, outside of tests. */
export function fileScope(): Scope {
  const scope = createScope();
  test.after.always('everything shared is closed', () => scope.close());
  return scope;
}
