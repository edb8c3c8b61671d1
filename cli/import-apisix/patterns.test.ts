import test from 'ava';
import { RE2JS } from 're2js';
import { matchingWhole, oneOf } from './patterns.ts';

const patterns: ReadonlyArray<readonly [pattern: string, whole: string]> = [
  ['ann', '.*ann.*'],
  ['^ann', 'ann.*'],
  ['ann$', '.*ann'],
  ['^ann$', 'ann'],
  ['^a|b$', '.*(?:^a|b$).*'],
  [String.raw`5\$`, String.raw`.*5\$.*`],
];

for (const [pattern, whole] of patterns) {
  test(`${pattern} anywhere in a value is ${whole} for the whole`, (t) => {
    t.is(matchingWhole(pattern), whole);
  });
}

const values = ['ann', 'anna', 'joann', 'a', 'b', 'xa', 'xb', 'ab', '5$', '5$ more', 'ANN', ''];

test('both find the same values', (t) => {
  for (const [pattern] of patterns) {
    const found = values.filter((value) => new RegExp(pattern).test(value));
    const whole = RE2JS.compile(matchingWhole(pattern));

    t.deepEqual(
      values.filter((value) => whole.testExact(value)),
      found,
      pattern,
    );
  }
});

test('one of several texts is none that only contains one, whatever characters they have', (t) => {
  const pattern = RE2JS.compile(oneOf(['a.b', 'c|d', '(e']));

  t.deepEqual(
    ['a.b', 'axb', 'c|d', 'c', '(e', 'a.b.c'].filter((text) => pattern.testExact(text)),
    ['a.b', 'c|d', '(e'],
  );
});
