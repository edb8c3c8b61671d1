import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { isRecord } from '../../contracts/json.ts';
import { type Cluster, useCluster } from '../support/cluster.ts';
import { isProgrammed } from '../support/control-plane.ts';
import { forwardProxy, headgateNamespace, install, rolledOut } from '../support/installed.ts';
import type { LoadReport } from '../support/load-pod.ts';
import { failuresOf, serviceAddress, startLoadPod } from '../support/pod-load.ts';
import {
  goneAre,
  killProcessOf,
  poolPods,
  programmedOn,
  servedByAll,
  statusOf,
  storyOf,
} from '../support/pool-pods.ts';
import { setPools } from '../support/pools.ts';

const pool = 'deployment/headgate-pool-default';
const drainSeconds = 8;
/** Endpoints, rules of nodes: so long after a pod ended clients may still be sent there. */
const hearMs = 5_000;

const serving = (more: object = {}) =>
  forwardProxy('web', 3128, {
    connect: { allowedPorts: ['1-65535'] },
    drain: { timeout: `${drainSeconds}s`, jitter: '0s' },
    ...more,
  });

/** As good as nothing, but another generation. */
const edit = (generation: number) => ({ timeouts: { idle: `${60 + generation}s` } });

/** Headgate with one proxy on two pods, and clients that reach it through its Service. */
async function startWorld(t: ExecutionContext) {
  const cluster = await useCluster(t);
  await install(cluster);
  const [pod] = await Promise.all([startLoadPod(cluster), cluster.apply(serving())]);
  await rolledOut(cluster, await made(cluster, pool));
  // A test before this one may have left pods that are being replaced.
  await servedByAll(cluster, 'web', { pool: 'default', generation: 1 });
  // The first version was complete when the first pod had it.
  await cluster.apply(serving(edit(2)));
  await programmedOn(cluster, 'web', 2, 2);
  const proxy = { host: await serviceAddress(cluster, 'web'), port: 3128 };
  const load = await pod.start('service', { proxy });
  await load.more(50);
  return { cluster, pod, load };
}

async function made(cluster: Cluster, object: string): Promise<string> {
  const wait = ['wait', '-n', headgateNamespace, '--for=create', '--timeout=60s'];
  await cluster.kubectl(...wait, object);
  return object;
}

/** What failed in one stretch of time, and how much went well altogether. */
function tell(t: ExecutionContext, what: string, { done, broken }: LoadReport): void {
  const kinds = Object.entries(done).map(([kind, count]) => `${count} ${kind}`);
  t.log(`${what}: ${kinds.join(', ')}; ${broken.length} broken`);
}

test.serial(
  'a pod that is killed takes its own connections with it, and nobody else’s',
  async (t) => {
    const { cluster, pod, load } = await startWorld(t);
    const ways = {
      'kubectl delete --force': ({ name }: { name: string }) =>
        cluster.kubectl(
          ...['delete', 'pod', name, '-n', headgateNamespace, '--grace-period=0', '--force'],
        ),
      'kill -9': killProcessOf,
    };

    for (const [way, kill] of Object.entries(ways)) {
      const [victim, survivor] = await poolPods(cluster, 'default');
      if (victim === undefined || survivor === undefined) throw new Error('there are not two pods');
      const direct = await pod.start('survivor', { proxy: { host: survivor.ip, port: 3128 } });
      await direct.more(20);
      const before = (await load.report()).broken.length;

      const at = Date.now();
      await kill(victim);
      await load.more(100);
      await rolledOut(cluster, pool);
      await servedByAll(cluster, 'web', { pool: 'default', generation: 2 });
      await programmedOn(cluster, 'web', 2, 2);
      await load.more(100);

      const report = await load.report();
      const broken = report.broken.slice(before);
      tell(t, way, { ...report, broken });
      t.deepEqual(
        broken.filter((one) => one.pod !== victim.ip && one.pod !== null),
        [],
      );
      t.deepEqual(
        broken.filter((one) => one.pod === null && one.at > at + hearMs),
        [],
      );
      t.deepEqual((await direct.stop()).broken, []);
    }
    await load.stop();
    t.deepEqual(await storyOf(cluster, 'web'), ['configured@1', 'configured@2']);
  },
);

test.serial('while all pods of a pool are replaced one by one, no request fails', async (t) => {
  const { cluster, load } = await startWorld(t);
  t.teardown(() => install(cluster));
  const ways = {
    'kubectl rollout restart': () =>
      cluster.kubectl('rollout', 'restart', '-n', headgateNamespace, pool),
    'another number of workers': () => setPools(cluster, 'pools: {default: {workers: 2}}'),
  };

  for (const [way, replace] of Object.entries(ways)) {
    const old = await poolPods(cluster, 'default');
    const before = (await load.report()).broken.length;
    const at = Date.now();
    await replace();
    await goneAre(cluster, old);
    await servedByAll(cluster, 'web', { pool: 'default', generation: 2 });
    await programmedOn(cluster, 'web', 2, 2);
    await load.more(100);

    const report = await load.report();
    const broken = report.broken.slice(before);
    tell(t, `${way}, ${Date.now() - at} ms`, { ...report, broken });
    t.deepEqual(failuresOf({ ...report, broken }, at + (5 + drainSeconds) * 1000), []);
    const serves = await poolPods(cluster, 'default');
    t.is(serves.filter(({ ip }) => report.pods[ip] !== undefined).length, 2);
  }
  await load.stop();
});

test.serial('fifty edits, each in force on every pod, fail no request', async (t) => {
  const { cluster, load } = await startWorld(t);
  const at = Date.now();
  const last = 52;
  let generation = 2;
  let edited = Promise.resolve('');

  await cluster.until(['forwardproxy/web'], (object) => {
    if (!isProgrammed(object, generation)) return false;
    const { propagation } = statusOf(object);
    if (!isRecord(propagation) || propagation['acked'] !== 2) return false;
    if (generation === last) return true;
    generation += 1;
    edited = edited.then(() => cluster.apply(serving(edit(generation))));
    return false;
  });
  await edited;
  await load.more(50);

  const report = await load.stop();
  tell(t, `50 edits, ${Date.now() - at} ms`, report);
  t.deepEqual(report.broken, []);
  const expected = Array.from({ length: 16 }, (_, index) => `configured@${last - 15 + index}`);
  t.deepEqual(await storyOf(cluster, 'web'), expected);
});

test.serial(
  'NATS that lost its history, operators and API server killed: no request fails',
  async (t) => {
    const { cluster, load } = await startWorld(t);
    const { configVersion } = await programmedOn(cluster, 'web', 2, 2);

    const lostAt = Date.now();
    await cluster.kubectl('delete', 'pod', '-n', headgateNamespace, 'headgate-nats-0');
    await rolledOut(cluster, 'statefulset/headgate-nats');
    await cluster.until(
      ['forwardproxy/web'],
      (object) => isProgrammed(object, 2) && statusOf(object)['configVersion'] !== configVersion,
    );
    await servedByAll(cluster, 'web', { pool: 'default', generation: 2 });
    await untilEvent(cluster, 'HistoryLost');
    t.log(`NATS deleted: programmed again after ${Date.now() - lostAt} ms`);
    tell(t, 'NATS deleted', await load.report());

    const operatorsAt = Date.now();
    const operators = ['-n', headgateNamespace, '-l', 'app.kubernetes.io/component=operator'];
    await cluster.kubectl('delete', 'pod', ...operators, '--grace-period=0', '--force');
    await cluster.apply(serving(edit(3)));
    await programmedOn(cluster, 'web', 3, 2);
    t.log(`operators deleted: programmed again after ${Date.now() - operatorsAt} ms`);
    tell(t, 'operators deleted', await load.report());

    const serverAt = Date.now();
    await cluster.restart('kube-apiserver');
    while ((await cluster.tryKubectl(['get', '--raw', '/readyz'])).code !== 0)
      await setTimeout(100);
    await cluster.apply(serving(edit(4)));
    await programmedOn(cluster, 'web', 4, 2);
    t.log(`API server killed: programmed again after ${Date.now() - serverAt} ms`);
    await load.more(50);

    const report = await load.stop();
    tell(t, 'API server killed', report);
    t.deepEqual(report.broken, []);
    t.deepEqual(await storyOf(cluster, 'web'), ['configured@2', 'configured@3', 'configured@4']);
  },
);

async function untilEvent(cluster: Cluster, reason: string): Promise<void> {
  const get = ['get', 'events', '-n', headgateNamespace, `--field-selector=reason=${reason}`];
  while ((await cluster.kubectl(...get, '-o', 'name')) === '') await setTimeout(200);
}
