import test from 'ava';
import { maxForwards, oneHopLess } from './max-forwards.ts';

const values = [
  ['0', 0],
  ['1', 1],
  ['007', 7],
  ['', null],
  ['-1', null],
  ['1e3', null],
  ['0x0', null],
  [' 1', null],
] as const;

for (const [value, hops] of values) {
  test(`T16: Max-Forwards: ${JSON.stringify(value)} is ${hops ?? 'no number'}`, (t) => {
    t.is(maxForwards(['Host', 'a', 'MAX-forwards', value]), hops);
  });
}

test('T16: without the field there is no limit, and none is made', (t) => {
  t.is(maxForwards(['Host', 'a']), null);
  t.deepEqual(oneHopLess(['Host', 'a']), ['Host', 'a']);
});

test('T16: one hop less changes that field and no other', (t) => {
  const fields = ['Host', '5', 'X', 'max-forwards', 'Max-Forwards', '5'];

  t.deepEqual(oneHopLess(fields), ['Host', '5', 'X', 'max-forwards', 'Max-Forwards', '4']);
  t.deepEqual(oneHopLess(['Max-Forwards', '0']), ['Max-Forwards', '0']);
});
