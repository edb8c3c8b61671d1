import test from 'ava';
import {
  defaultPool,
  noPoolsConfig,
  PoolsConfigInvalid,
  parsePoolsConfig,
  refuseInPool,
} from './pools-config.ts';

test('a pool has what is written, and sensible values for all else', (t) => {
  const pools = parsePoolsConfig(`
pools:
  default: {}
  shop:
    replicas: null
    namespaces: [shop, checkout]
    workers: 4
    nodeSelector: {disk: ssd}
`);

  t.deepEqual(pools.get('default'), defaultPool);
  t.deepEqual(pools.get('shop'), {
    ...defaultPool,
    replicas: null,
    namespaces: ['shop', 'checkout'],
    workers: 4,
    nodeSelector: { disk: 'ssd' },
  });
});

test('without any configuration there is one pool for everybody', (t) => {
  t.is(refuseInPool(noPoolsConfig, 'default', 'anybody'), null);
  t.is(refuseInPool(noPoolsConfig, 'shop', 'shop')?.reason, 'PoolNotFound');
});

test('a pool is for the namespaces it lists', (t) => {
  const pools = parsePoolsConfig('pools: {shop: {namespaces: [shop]}, open: {}}');

  t.is(refuseInPool(pools, 'shop', 'shop'), null);
  t.deepEqual(refuseInPool(pools, 'shop', 'team-a'), {
    reason: 'PoolNotAllowed',
    message:
      'pool "shop" does not take resources of namespace team-a; its administrator can allow it',
  });
  t.deepEqual(refuseInPool(pools, 'shp', 'shop'), {
    reason: 'PoolNotFound',
    message: 'there is no pool "shp"; there is open, shop',
  });
});

const mistakes: readonly (readonly [yaml: string, message: RegExp])[] = [
  ['pools: {default: {replicas: -1}}', /pools\.default\.replicas: -1 is not a number from 0/],
  ['pools: {default: {replica: 1}}', /pools\.default: "replica" .* did you mean "replicas"\?/],
  ['pools: {default: {namespaces: []}}', /pools\.default\.namespaces: \[\] is not a list/],
  ['pools: {default: {workers: "2"}}', /pools\.default\.workers: "2" is not a number/],
  ['pools: {default: {podAnnotations: {a: 1}}}', /podAnnotations: .* use quotes/],
  ['pools: {default: {resources: {limit: {}}}}', /resources: .* requests and limits/],
  ['pools: {Default: {}}', /"Default" is not a name/],
  ['pools: {}', /one pool at least/],
  ['pool: {}', /"pool" is not a known field; did you mean "pools"\?/],
  ['pools: [', /not YAML/],
  ['', /the document: must be a mapping/],
];
for (const [yaml, message] of mistakes) {
  test(`the pools ${JSON.stringify(yaml)} are refused with a reason`, (t) => {
    t.throws(() => parsePoolsConfig(yaml), { instanceOf: PoolsConfigInvalid, message });
  });
}
