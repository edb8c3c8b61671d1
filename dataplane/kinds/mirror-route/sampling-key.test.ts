import test from 'ava';
import type { SamplingKey } from '../../../contracts/kinds/mirror-route/config.ts';
import { compileKey, type SampledRequest } from './sampling-key.ts';
import { toWire } from './wire-text.ts';

const request: SampledRequest = {
  method: 'GET',
  fields: ['Host', 'a', 'X-User', 'alice', 'Cookie', 'session=7; lang=en'],
  path: '/a%2fb',
  query: 'user=al%69ce+b&user=bob',
  clientAddress: '192.0.2.1',
};
const keyOf = (key: SamplingKey, parts: Partial<SampledRequest> = {}) =>
  compileKey(key)({ ...request, ...parts });

const keys: ReadonlyArray<readonly [SamplingKey, string]> = [
  [{ type: 'Header', name: 'x-user' }, 'alice'],
  [{ type: 'Cookie', name: 'session' }, '7'],
  [{ type: 'QueryParam', name: 'user' }, 'alice b'],
  [{ type: 'ClientIP' }, '192.0.2.1'],
  [{ type: 'Path' }, '/a%2fb'],
];

for (const [key, value] of keys) {
  test(`the key of type ${key.type} is ${value}`, (t) => t.is(keyOf(key), value));
}

test('a key of several lines is one list', (t) => {
  const fields = ['X-User', 'alice', 'x-user', 'bob'];

  t.is(keyOf({ type: 'Header', name: 'x-user' }, { fields }), 'alice, bob');
});

test('names outside ASCII are found as clients send them', (t) => {
  const name = 'größe';

  t.is(keyOf({ type: 'QueryParam', name }, { query: 'gr%C3%B6%C3%9Fe=7' }), '7');
  t.is(keyOf({ type: 'Cookie', name }, { fields: ['Cookie', `${toWire(name)}=7`] }), '7');
});

test('what is missing or empty is no key', (t) => {
  const missing = { fields: [], query: null };
  const empty = { fields: ['X-User', '', 'Cookie', 'session='], query: 'user=' };

  for (const parts of [missing, empty]) {
    t.is(keyOf({ type: 'Header', name: 'x-user' }, parts), null);
    t.is(keyOf({ type: 'Cookie', name: 'session' }, parts), null);
    t.is(keyOf({ type: 'QueryParam', name: 'user' }, parts), null);
  }
});
