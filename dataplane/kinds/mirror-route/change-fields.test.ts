import test from 'ava';
import type { HeaderChange } from '../../../contracts/kinds/mirror-route/config.ts';
import { noHeaderChange } from '../../../test/support/mirror-route-config.ts';
import { changeFields } from './change-fields.ts';

const change = (parts: Partial<HeaderChange>): HeaderChange => ({ ...noHeaderChange, ...parts });
const field = (name: string, value: string) => ({ name, value });
const fields = ['Host', 'a', 'X-A', '1', 'Accept', '*/*', 'x-a', '2'];

test('a field is removed wherever it stands and however it is spelt', (t) => {
  t.deepEqual(changeFields(fields, change({ remove: ['x-a'] })), ['Host', 'a', 'Accept', '*/*']);
});

test('a field that is set takes the place of the first of its name', (t) => {
  t.deepEqual(changeFields(fields, change({ set: [field('X-a', 'new')] })), [
    ...['Host', 'a', 'X-a', 'new', 'Accept', '*/*'],
  ]);
});

test('a field that is set and was not there comes at the end', (t) => {
  t.deepEqual(changeFields(['Host', 'a'], change({ set: [field('X-B', '1')] })), [
    ...['Host', 'a', 'X-B', '1'],
  ]);
});

test('a field that is added stands beside those of its name', (t) => {
  t.deepEqual(changeFields(fields, change({ add: [field('X-A', '3')] })), [...fields, 'X-A', '3']);
});

test('it is removed first, then set, then added', (t) => {
  const all = change({
    remove: ['x-a', 'x-c'],
    set: [field('X-A', 'set'), field('X-B', 'set')],
    add: [field('X-C', 'added'), field('x-b', 'added')],
  });

  t.deepEqual(changeFields(['X-A', '1', 'X-B', '2', 'X-C', '3'], all), [
    ...['X-B', 'set', 'X-A', 'set', 'X-C', 'added', 'x-b', 'added'],
  ]);
});

test('of two that set one name the first counts, whether or not it was there', (t) => {
  const twice = change({ set: [field('X-A', 'first'), field('x-a', 'second')] });

  t.deepEqual(changeFields(['X-A', '1'], twice), ['X-A', 'first']);
  t.deepEqual(changeFields([], twice), ['X-A', 'first']);
});

test('an empty value is a value', (t) => {
  t.deepEqual(changeFields(['X-A', '1'], change({ set: [field('X-A', '')] })), ['X-A', '']);
});

test('a value that reads like a name is left alone', (t) => {
  t.deepEqual(changeFields(['A', 'x-a', 'X-A', 'b'], change({ remove: ['x-a'] })), ['A', 'x-a']);
});

test('where nothing changes nothing is copied', (t) => {
  t.is(changeFields(fields, noHeaderChange), fields);
  t.is(changeFields(fields, change({ remove: ['x-b'] })), fields);
});

test('the fields that were given stay as they are', (t) => {
  const given = Object.freeze([...fields]);

  changeFields(
    given,
    change({ remove: ['host'], set: [field('X-A', 'n')], add: [field('B', '')] }),
  );

  t.deepEqual(given, fields);
});
