import test from 'ava';
import { parseDuration, parsePorts, parseQuantity } from './units.ts';

const durations: ReadonlyArray<readonly [string, number | null]> = [
  ['0s', 0],
  ['500ms', 500],
  ['1h30m', 5_400_000],
  ['1h1m1s1ms', 3_661_001],
  ['90', null],
  ['1.5s', null],
  ['-1s', null],
  ['1d', null],
  ['100000s', null],
  ['', null],
];

test('a duration is a number of milliseconds or none at all', (t) => {
  for (const [text, expected] of durations) t.is(parseDuration(text), expected, text);
});

const quantities: ReadonlyArray<readonly [string | number, number | null]> = [
  ['16Ki', 16_384],
  [4096, 4096],
  ['1.5Ki', 1536],
  ['8k', 8000],
  ['1Mi', 1_048_576],
  ['0.3', null],
  ['1.5', null],
  ['16KB', null],
  ['-1', null],
];

test('a quantity is a whole number of bytes or none at all', (t) => {
  for (const [text, expected] of quantities) t.is(parseQuantity(text), expected, String(text));
});

test('ports are one number or a range that does not run backwards', (t) => {
  t.deepEqual(parsePorts(443), { from: 443, to: 443 });
  t.deepEqual(parsePorts('443'), { from: 443, to: 443 });
  t.deepEqual(parsePorts('8000-8999'), { from: 8000, to: 8999 });
  for (const bad of [0, 65_536, '9-8', '0-5', '1-65536', 'https', '1-', '1-2-3', '']) {
    t.is(parsePorts(bad), null, String(bad));
  }
});
