import test from 'ava';
import { createStandDown } from './stand-down.ts';

const secondsAfter = (...terms: readonly (readonly [contested: boolean, minutes: number])[]) => {
  const standDown = createStandDown();
  return terms.map(([contested, minutes]) => standDown.pauseMs(contested, minutes * 60_000) / 1000);
};

test('who loses the log again and again keeps away longer each time, up to five minutes', (t) => {
  const losses = Array.from({ length: 10 }, () => [true, 1] as const);

  t.deepEqual(secondsAfter(...losses), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
});

test('a term that ends otherwise is followed soon by the next, and settles nothing', (t) => {
  t.deepEqual(secondsAfter([true, 1], [true, 1], [false, 1], [true, 1]), [2, 4, 2, 8]);
});

test('after a term longer than anybody keeps away, the quarrel is forgotten', (t) => {
  t.deepEqual(secondsAfter([true, 1], [true, 1], [true, 11], [true, 1]), [2, 4, 2, 4]);
});
