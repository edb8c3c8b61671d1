import test from 'ava';
import { cookieValue } from './cookie-value.ts';

const cookies: ReadonlyArray<readonly [line: string, value: string | null]> = [
  ['session=1', '1'],
  ['a=1; session=2; b=3', '2'],
  ['session=1; session=2', '1'],
  ['a=1;session=2', '2'],
  [' session = 1 ', '1'],
  ['session=', ''],
  ['session', null],
  ['Session=1', null],
  ['my-session=1', null],
  ['a=session=1', null],
  ['session="a b"', '"a b"'],
  ['session=%41==', '%41=='],
  ['', null],
];

for (const [line, expected] of cookies) {
  test(`the session in "Cookie: ${line}" is ${JSON.stringify(expected)}`, (t) => {
    t.is(cookieValue(['Host', 'a', 'Cookie', line], 'session'), expected);
  });
}

test('a cookie may stand in any of several lines', (t) => {
  t.is(cookieValue(['Cookie', 'a=1', 'cookie', 'session=2'], 'session'), '2');
  t.is(cookieValue([], 'session'), null);
});
