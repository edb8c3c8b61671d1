import test from 'ava';
import { formatTarget } from '../../protocols/target.ts';
import { pickInTurn } from './pick-endpoint.ts';

const shop = { namespace: 'team-a', name: 'shop', from: 'team-a' };
const endpoints = ['10.0.0.1', '10.0.0.2', 'fd00::3'].map((address) => ({ address, port: 8080 }));
const known = { 'team-a/shop': [{ port: 80, endpoints }] };

test('endpoints are picked in turn, from wherever chance says', (t) => {
  const picks = pickInTurn(known, () => 0.4);

  const picked = Array.from({ length: 4 }, () => picks.pick(shop, 80));

  t.deepEqual(
    picked.map((target) => target && formatTarget(target)),
    ['10.0.0.2:8080', '[fd00::3]:8080', '10.0.0.1:8080', '10.0.0.2:8080'],
  );
});

test('those that were tried in vain are passed over, until nobody is left', (t) => {
  const picks = pickInTurn(known, () => 0);
  const tried = [];
  for (let target = picks.pick(shop, 80); target !== null; target = picks.pick(shop, 80, tried)) {
    tried.push(target);
  }

  t.deepEqual(
    tried.map(({ host }) => host),
    ['10.0.0.1', '10.0.0.2', 'fd00::3'],
  );
});

test('a Service nobody told of, another port, and one that nobody serves have no endpoint', (t) => {
  t.is(pickInTurn({}, () => 0).pick(shop, 80), null);
  t.is(pickInTurn(known, () => 0).pick(shop, 81), null);
  t.is(pickInTurn({ 'team-a/shop': [{ port: 80, endpoints: [] }] }, () => 0).pick(shop, 80), null);
});

test('what is no address, or no port, is nobody', (t) => {
  const strange = [
    { address: 'shop.example', port: 80 },
    ...[0, 70_000, 80.5].map((port) => ({ address: '10.0.0.1', port })),
  ];
  t.is(
    pickInTurn({ 'team-a/shop': [{ port: 80, endpoints: strange }] }, () => 0).pick(shop, 80),
    null,
  );
});
