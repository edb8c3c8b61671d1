import test from 'ava';
import type { ResourceKey } from '../../../contracts/resource-key.ts';
import { metricsServiceName, poolObjectName, serviceNames } from './names.ts';

const key = (namespace: string, name: string): ResourceKey => ({
  kind: 'ForwardProxy',
  namespace,
  name,
});

const isServiceName = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

test('a Service is called like its resource, without the dots that it may not have', (t) => {
  t.is(serviceNames(key('team-a', 'egress'))[0], 'fp-team-a-egress');
  t.is(serviceNames(key('team-a', 'egress.v2'))[0], 'fp-team-a-egress-v2');
});

test('long names are cut, and stay different', (t) => {
  const long = 'n'.repeat(63);
  const names = [
    poolObjectName(long),
    metricsServiceName(long),
    poolObjectName(`${long.slice(1)}x`),
    ...serviceNames(key(long, 'x'.repeat(253))),
    ...serviceNames(key(long, `${'x'.repeat(252)}y`)),
  ];

  for (const name of names) {
    t.regex(name, isServiceName);
    t.true(name.length <= 60);
  }
  // Of a resource whose name was cut, both names are the same.
  t.is(new Set(names).size, names.length - 2);
});

test('the second best name of a Service names its resource and no other', (t) => {
  const [plain, unmistakable] = serviceNames(key('a-b', 'c'));
  const [samePlain, other] = serviceNames(key('a', 'b-c'));

  t.is(plain, samePlain);
  t.not(unmistakable, other);
  t.regex(unmistakable, /^fp-a-b-c-[0-9a-f]{8}$/);
});
