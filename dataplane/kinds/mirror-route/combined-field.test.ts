import test from 'ava';
import { combinedField } from './combined-field.ts';

test('a field is found whatever the case of its name', (t) => {
  t.is(combinedField(['Host', 'a', 'X-Tenant', 'red'], 'x-tenant'), 'red');
  t.is(combinedField(['X-TENANT', ''], 'x-tenant'), '');
  t.is(combinedField(['X-Tenants', 'red'], 'x-tenant'), null);
  t.is(combinedField([], 'x-tenant'), null);
});

test('lines of one name are one list, in their order', (t) => {
  const fields = ['X-Tenant', 'red', 'Accept', '*/*', 'x-tenant', 'blue'];

  t.is(combinedField(fields, 'x-tenant'), 'red, blue');
});

test('lines of cookies are joined as cookies are', (t) => {
  t.is(combinedField(['Cookie', 'a=1', 'cookie', 'b=2'], 'cookie'), 'a=1; b=2');
});

test('a value that looks like a name is none', (t) => {
  t.is(combinedField(['A', 'x-tenant', 'B', 'red'], 'x-tenant'), null);
});
