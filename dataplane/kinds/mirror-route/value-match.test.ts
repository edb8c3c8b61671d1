import test from 'ava';
import { compileValueTest } from './value-match.ts';
import { toWire } from './wire-text.ts';

const exact = (value: string) => compileValueTest({ type: 'Exact', value });
const pattern = (value: string) => compileValueTest({ type: 'RegularExpression', value });

test('an exact value is compared character by character', (t) => {
  t.true(exact('red')('red'));
  t.false(exact('red')('Red'));
  t.false(exact('red')('red '));
  t.true(exact('')(''));
});

const patterns: ReadonlyArray<readonly [pattern: string, value: string, matches: boolean]> = [
  ['red|blue', 'blue', true],
  ['red|blue', 'redblue', false],
  ['ed', 'red', false], // the whole value, not a part of it
  ['a|ab', 'ab', true], // whichever alternative makes it whole
  ['^red$', 'red', true],
  ['v[0-9]+', 'v12', true],
  ['(?i)RED', 'red', true],
  ['.*', '', true],
  ['red', 'red\n', false],
];

for (const [expression, value, expected] of patterns) {
  test(`${expression} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(value)}`, (t) => {
    t.is(pattern(expression)(value), expected);
  });
}

test('letters outside ASCII are compared in the UTF-8 clients send', (t) => {
  t.true(exact('grün')(toWire('grün')));
  t.true(pattern('gr.n')(toWire('grün')));
  t.true(pattern('gr[üu]+n')(toWire('grüün')));
  t.false(pattern('gr.n')(toWire('grüün')));
});

test('what RE2 cannot read matches nothing', (t) => {
  for (const expression of ['(', '(?=a)', '(?<!a)', '\\1', 'a{1001}', '((a{100}){100}){100}']) {
    t.false(pattern(expression)('a'), expression);
    t.false(pattern(expression)(''), expression);
  }
});

test('a value made to keep a backtracking engine busy for ever is answered', (t) => {
  const hostile = `${'a'.repeat(8000)}!`;

  t.false(pattern('(a+)+')(hostile));
  t.false(pattern('(a|a)*b')(hostile));
  t.false(pattern('(.*a){20}')(hostile));
});
