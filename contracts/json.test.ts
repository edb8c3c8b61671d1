import test from 'ava';
import { canonicalJson, isRecord, isStringArray } from './json.ts';

test('equal values have one text, whatever order their fields were written in', (t) => {
  const one = { b: [{ y: 1, x: { d: 1, c: null } }], a: 'ü', 10: 1, 9: 2 };
  const same = { 9: 2, 10: 1, a: 'ü', b: [{ x: { c: null, d: 1 }, y: 1 }] };

  t.is(canonicalJson(one), canonicalJson(same));
  t.is(canonicalJson({ b: 1, a: [2, { d: 3, c: 4 }] }), '{"a":[2,{"c":4,"d":3}],"b":1}');
});

test('different values have different texts', (t) => {
  const values = [{ a: [1, 2] }, { a: [2, 1] }, { a: '1' }, { a: 1 }, { a: null }, {}, [], [[]]];

  t.is(new Set(values.map(canonicalJson)).size, values.length);
});

test('a field that is not given is as good as none', (t) => {
  t.is(canonicalJson({ a: undefined, b: 1 }), canonicalJson({ b: 1 }));
});

test('a record is an object that is not a list', (t) => {
  for (const value of [{}, { a: 1 }, Object.create(null)]) t.true(isRecord(value));
  for (const value of [null, undefined, [], '', 0, true, () => 0]) t.false(isRecord(value));
});

test('a list of texts holds nothing else', (t) => {
  t.true(isStringArray([]));
  t.true(isStringArray(['', 'a']));
  for (const value of [[1], ['a', null], 'a', { length: 0 }, null]) t.false(isStringArray(value));
});
