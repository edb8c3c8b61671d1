import test from 'ava';
import { createFieldReader } from '../resolve-fields.ts';
import { findPatternProblem } from './find-pattern-problem.ts';
import { createPatternCheck } from './patterns.ts';

const sound = [
  '/api/v[0-9]+/.*',
  '(?i)/shop/(cart|basket)',
  String.raw`\p{L}{1,64}`,
  '',
  'x'.repeat(512),
];

for (const pattern of sound) {
  test(`an expression: ${pattern.slice(0, 20)}`, (t) => {
    t.is(findPatternProblem(pattern), null);
  });
}

const refused: ReadonlyArray<readonly [pattern: string, message: RegExp]> = [
  ['(', /not a regular expression of RE2: missing closing \)/],
  ['(?=a)', /not a regular expression of RE2: invalid or unsupported Perl syntax/],
  [String.raw`(a)\1`, /not a regular expression of RE2: invalid escape sequence/],
  ['a{1001}', /not a regular expression of RE2: invalid repeat count/],
  ['(a{100}){100}', /not a regular expression of RE2: invalid repeat count/],
  ['x'.repeat(513), /too long for a regular expression: 512/],
  ['.{600}.{600}', /too large a regular expression/],
];

for (const [pattern, message] of refused) {
  test(`no expression: ${pattern.slice(0, 20)}`, (t) => {
    t.regex(findPatternProblem(pattern)?.message ?? '', message);
  });
}

function checked(patterns: readonly string[]): readonly string[] {
  const read = createFieldReader();
  const check = createPatternCheck(read);
  for (const [index, pattern] of patterns.entries()) check(`p[${index}]`, pattern);
  const resolved = read.resolve(null);
  return 'problems' in resolved ? resolved.problems.map(({ field }) => field) : [];
}

test('a resource has a hundred expressions at most, and is told so once', (t) => {
  t.deepEqual(checked(Array.from({ length: 100 }, () => 'a')), []);
  t.deepEqual(checked(Array.from({ length: 103 }, () => 'a')), ['p[100]']);
});

test('after one that is too large, no other is compiled', (t) => {
  t.deepEqual(checked(['(', '.{600}.{600}', '(']), ['p[0]', 'p[1]']);
});
