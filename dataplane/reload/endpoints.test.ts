import test from 'ava';
import { endpointsFor } from './endpoints.ts';

const observed = (name: string, sequence: number, from = 'team-a') => ({
  namespace: 'team-a',
  name,
  from,
  ports: [{ port: 80, endpoints: [{ address: '10.0.0.1', port: 8080 }] }],
  ...{ subject: name, sequence, logId: 'log' },
});
const endpoints = new Map([
  ['team-a/shop', observed('shop', 7)],
  ['team-a/cart', observed('cart', 9)],
  ['team-a/other', observed('other', 11)],
]);

test('a resource gets the endpoints of its Services, and a number that moves with them', (t) => {
  const services = [
    { namespace: 'team-a', name: 'shop', from: 'team-a' },
    { namespace: 'team-a', name: 'cart', from: 'team-a' },
    { namespace: 'team-a', name: 'nobody-told-of', from: 'team-a' },
  ];

  t.deepEqual(endpointsFor({ endpoints }, services), {
    endpoints: {
      'team-a/shop': observed('shop', 7).ports,
      'team-a/cart': observed('cart', 9).ports,
    },
    endpointsSequence: 9,
  });
});

test('a resource without Services has none, and is not touched by those of others', (t) => {
  t.deepEqual(endpointsFor({ endpoints }, []), { endpoints: {}, endpointsSequence: 0 });
});

test('what is known of a Service for another namespace is not known here', (t) => {
  const told = new Map([
    ['team-a/shop', observed('shop', 7)],
    ['team-a/shop for team-b', { ...observed('shop', 8, 'team-b'), ports: [] }],
  ]);
  const seenFrom = (from: string) =>
    endpointsFor({ endpoints: told }, [{ namespace: 'team-a', name: 'shop', from }]);

  t.deepEqual(seenFrom('team-b'), { endpoints: { 'team-a/shop': [] }, endpointsSequence: 8 });
  t.deepEqual(seenFrom('team-c'), { endpoints: {}, endpointsSequence: 0 });
  t.is(seenFrom('team-a').endpointsSequence, 7);
});
