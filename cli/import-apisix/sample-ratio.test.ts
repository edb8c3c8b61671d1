import test from 'ava';
import { readSampleRatio } from './sample-ratio.ts';

const exact: ReadonlyArray<readonly [ratio: number, numerator: number, denominator: number]> = [
  [0.00001, 1, 100_000],
  [0.333, 333, 1000],
  [0.5, 1, 2],
  [0.29, 29, 100],
  [0.999_999, 999_999, 1_000_000],
];

for (const [ratio, numerator, denominator] of exact) {
  test(`${ratio} is ${numerator} of ${denominator}, exactly`, (t) => {
    t.deepEqual(readSampleRatio(ratio), { fraction: { numerator, denominator }, exact: true });
  });
}

test('1 is everything, which needs no fraction', (t) => {
  t.deepEqual(readSampleRatio(1), { fraction: null, exact: true });
});

test('what is finer than a millionth is the nearest one, and said to be', (t) => {
  const fraction = { numerator: 123_457, denominator: 1_000_000 };

  t.deepEqual(readSampleRatio(0.123_456_7), { fraction, exact: false });
});

for (const ratio of [0, 10, -0.5, 0.000_009, 1.000_01, Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`${ratio} is no part of all requests`, (t) => {
    t.regex('problem' in readSampleRatio(ratio) ? 'problem' : '', /problem/);
  });
}
