import test from 'ava';
import { createConcerns, grantsIn, noReferences } from './concerns.ts';

const keyOf = (name: string) => ({ kind: 'ForwardProxy', namespace: 'team-a', name }) as const;
const secretsOf = (...names: readonly string[]) => ({
  secrets: names.map((name) => ({ namespace: 'team-a', name })),
  services: [],
});
const secret = (name: string) => ['Secret', { namespace: 'team-a', name }] as const;

test('who refers to a Secret is looked at when it changes, and no more once it refers to another', (t) => {
  const concerns = createConcerns();
  concerns.refersTo(keyOf('one'), secretsOf('users', 'ca'));
  concerns.refersTo(keyOf('two'), secretsOf('users'));
  t.deepEqual(concerns.usersOf(...secret('users')), [keyOf('one'), keyOf('two')]);

  concerns.refersTo(keyOf('one'), secretsOf('ca'));
  t.deepEqual(concerns.usersOf(...secret('users')), [keyOf('two')]);
  t.deepEqual(concerns.usersOf(...secret('ca')), [keyOf('one')]);

  concerns.refersTo(keyOf('one'), noReferences);
  t.deepEqual(concerns.usersOf(...secret('ca')), []);
});

test('ten thousand resources with a Secret each cost no more than each by itself', (t) => {
  const concerns = createConcerns();
  const names = Array.from({ length: 10_000 }, (_, index) => `proxy-${index}`);
  const beganMs = performance.now();

  for (const _ of [1, 2]) {
    for (const name of names) concerns.refersTo(keyOf(name), secretsOf(name));
  }

  t.true(performance.now() - beganMs < 1000, `${performance.now() - beganMs} ms`);
});

test('a Service is not the Secret of its name', (t) => {
  const concerns = createConcerns();
  const shop = { namespace: 'team-a', name: 'shop', from: 'team-a' };
  concerns.refersTo(keyOf('one'), { secrets: [], services: [shop] });
  concerns.refersTo(keyOf('two'), { secrets: [shop], services: [] });

  t.deepEqual(concerns.usersOf('Service', shop), [keyOf('one')]);
  t.deepEqual(concerns.usersOf('Secret', shop), [keyOf('two')]);
});

test('a resource that names a Service of another namespace is concerned by what is granted there', (t) => {
  const concerns = createConcerns();
  const shop = { namespace: 'team-b', name: 'shop' };
  concerns.refersTo(keyOf('own'), { secrets: [], services: [{ ...shop, from: 'team-b' }] });
  concerns.refersTo(keyOf('other'), { secrets: [], services: [{ ...shop, from: 'team-a' }] });

  t.deepEqual(concerns.usersOf('ReferenceGrant', grantsIn('team-b')), [keyOf('other')]);
  t.deepEqual(concerns.usersOf('Service', shop), [keyOf('own'), keyOf('other')]);
});
