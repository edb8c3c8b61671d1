import test from 'ava';
import { forwardProxy, headgateNamespace, rolledOut } from '../support/installed.ts';
import { serviceAddress, startLoadPod } from '../support/pod-load.ts';
import { poolPods, servedByAll } from '../support/pool-pods.ts';
import { withPools } from '../support/pools.ts';

const inHeadgate = ['-n', headgateNamespace] as const;
const open = { connect: { allowedPorts: ['1-65535'] } };

test('a resource moves to another pool under load and no request fails; a pool nobody uses goes', async (t) => {
  const cluster = await withPools(t, 'pools: {default: {}, here: {}, there: {}}');
  const operator = 'deployment/headgate-operator';
  const set = (setting: string) => cluster.kubectl('set', 'env', ...inHeadgate, operator, setting);
  await set('HEADGATE_KEEP_UNUSED_POOLS_SECONDS=10');
  t.teardown(async () => {
    await set('HEADGATE_KEEP_UNUSED_POOLS_SECONDS-');
    await rolledOut(cluster, operator);
  });
  await rolledOut(cluster, operator);
  const inPool = (pool: string) => forwardProxy('web', 3128, { ...open, pool });
  const [pod] = await Promise.all([startLoadPod(cluster), cluster.apply(inPool('here'))]);
  await cluster.waitFor('condition=Programmed', 'forwardproxy/web');
  const host = await serviceAddress(cluster, 'web');
  const load = await pod.start('service', { proxy: { host, port: 3128 } });
  await load.more(50);
  const before = await poolPods(cluster, 'here');

  const movedAt = Date.now();
  await cluster.apply(inPool('there'));
  await cluster.kubectl(
    ...['wait', ...inHeadgate, '--for=delete', '--timeout=120s'],
    ...['deployment/headgate-pool-here', 'serviceaccount/headgate-pool-here'],
    ...['secret/headgate-pool-here', 'poddisruptionbudget/headgate-pool-here'],
    'service/headgate-pool-here-metrics',
  );
  t.log(`the old pool was gone after ${Date.now() - movedAt} ms`);
  await servedByAll(cluster, 'web', { pool: 'there', generation: 2 });
  await load.more(50);

  const report = await load.stop();
  const left = before.map(({ ip }) => ip);
  const requests = report.broken.filter(({ kind }) => kind !== 'tunnel');
  t.deepEqual(requests, []);
  // Tunnels that were in the old pool lasted until its drain was over.
  const drainMs = 30_000;
  const early = report.broken.filter(
    (one) => one.at < movedAt + drainMs || !left.includes(one.pod ?? ''),
  );
  t.deepEqual(early, []);
});
