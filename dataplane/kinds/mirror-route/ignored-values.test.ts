import test from 'ava';
import { type IgnoredValues, ignoredValues } from './ignored-values.ts';

/** The names that lead to what is ignored. */
function paths({ whole, below }: IgnoredValues, path: readonly string[] = []): string[][] {
  const deeper = Array.from(below, ([name, child]) => paths(child, [...path, name])).flat();
  return whole ? [[...path], ...deeper] : deeper;
}

test('a pointer is a list of names', (t) => {
  t.deepEqual(paths(ignoredValues(['/meta/time', '/items/0/id', '/meta'])), [
    ['meta'],
    ['meta', 'time'],
    ['items', '0', 'id'],
  ]);
  t.deepEqual(paths(ignoredValues([])), []);
});

test('the examples of RFC 6901 §5', (t) => {
  const names = (pointer: string) => paths(ignoredValues([pointer]))[0];

  t.deepEqual(names('/foo/0'), ['foo', '0']);
  t.deepEqual(names('/'), ['']);
  t.deepEqual(names('/a~1b'), ['a/b']);
  t.deepEqual(names('/m~0n'), ['m~n']);
  t.deepEqual(names('/~01'), ['~1']);
  t.deepEqual(names('/c%d//k"l'), ['c%d', '', 'k"l']);
});
