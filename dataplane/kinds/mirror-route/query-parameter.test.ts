import test from 'ava';
import { createRandom } from '../../../test/support/random.ts';
import { queryParameter } from './query-parameter.ts';
import { fromWire, toWire } from './wire-text.ts';

const values: ReadonlyArray<readonly [query: string | null, name: string, value: string | null]> = [
  ['a=1', 'a', '1'],
  ['a=1', 'b', null],
  [null, 'a', null],
  ['', 'a', null],
  ['', '', null],
  ['b=2&a=1', 'a', '1'],
  ['a=1&a=2', 'a', '1'],
  ['a', 'a', ''],
  ['a=', 'a', ''],
  ['a&b=1', 'a', ''],
  ['b&a=x=y', 'a', 'x=y'],
  ['ab=1&a=2', 'a', '2'],
  ['A=1', 'a', null],
  ['a=b+c%20d', 'a', 'b c d'],
  ['a=%2B', 'a', '+'],
  ['%61=%31', 'a', '1'],
  ['a=%26b%3D2', 'a', '&b=2'],
  ['a=%26b%3D2', 'b', null],
  ['a=%', 'a', '%'],
  ['a=%4', 'a', '%4'],
  ['a=%zz%41', 'a', '%zzA'],
  ['a=%2541', 'a', '%41'],
  ['&&=&a=1', 'a', '1'],
  ['&&=x', '', 'x'],
  ['&&', '', null],
  ['a[]=1', 'a[]', '1'],
  ['a=%00', 'a', '\0'],
  ['a;b=1', 'b', null],
  ['q=gr%C3%BCn', 'q', toWire('grün')],
  ['gr%C3%BCn=1', toWire('grün'), '1'],
];

for (const [query, name, expected] of values) {
  test(`of the query ${JSON.stringify(query)}, ${JSON.stringify(name)} is ${JSON.stringify(expected)}`, (t) => {
    t.is(queryParameter(query, name), expected);
  });
}

test('any query reads as browsers and servers read it', (t) => {
  const random = createRandom(7);
  const pieces = ['a', 'b', '=', '&', '%', '%6', '%61', '+', '%2B', '%zz', ';', ''];
  const piece = () => pieces[random.below(pieces.length)] ?? '';

  for (let round = 0; round < 5000; round++) {
    const query = Array.from({ length: random.below(12) }, piece).join('');
    const value = queryParameter(query, 'a');

    t.is(value && fromWire(value), new URLSearchParams(`?${query}`).get('a'), query);
  }
});
