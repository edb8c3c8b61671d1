import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { podLabels } from '../../operator/kubernetes/pools/pod-template.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { type PlacementWorld, placed, startPlacementWorld } from '../support/placement-world.ts';
import { createScope } from '../support/teardowns.ts';

const scope = createScope();
let kube: KubeApi;
test.before(async () => {
  kube = await startKubeApi(scope);
});
test.after.always(() => scope.close());

/** There is no kubelet here: pods and EndpointSlices are made by hand. */
async function makePod(
  world: PlacementWorld,
  name: string,
  pool: string,
  { isReady = true } = {},
): Promise<void> {
  const { namespace } = world;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: podLabels(pool) },
    spec: { containers: [{ name: 'a', image: 'a' }] },
  };
  await kube.apply(JSON.stringify(pod));
  if (isReady) await makeReady(world, name);
}

async function makeReady({ namespace }: PlacementWorld, name: string): Promise<void> {
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  const patch = ['patch', 'pod', name, '--subresource=status', '--type=merge', '-n', namespace];
  await kube.kubectl(...patch, `--patch=${JSON.stringify({ status })}`);
}

type Endpoint = { readonly pod: string; readonly ready: boolean };

async function sendTo({ namespace }: PlacementWorld, endpoints: readonly Endpoint[]) {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'fp-team-a-egress-1',
      namespace,
      labels: { 'kubernetes.io/service-name': 'fp-team-a-egress' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 3128, protocol: 'TCP' }],
    endpoints: endpoints.map(({ pod, ready }, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      conditions: { ready },
      targetRef: { kind: 'Pod', namespace, name: pod },
    })),
  };
  await kube.apply(JSON.stringify(slice));
}

/** Asked often, as the control loop does each second. */
async function untilSwitched({ placement }: PlacementWorld): Promise<void> {
  while (!placement.hasSwitched(placed('egress').key)) await setTimeout(20);
}

/** Whether it is called switched after it was looked at once more. */
async function isSwitchedNow({ placement }: PlacementWorld): Promise<boolean> {
  const { key } = placed('egress');
  placement.hasSwitched(key);
  // What is asked for while something is looked at has to wait: when the second is done, so is ours.
  for (const probe of [placed('probe-1'), placed('probe-2')]) {
    placement.place({ ...probe, programmed: false });
    while (!placement.hasSwitched(probe.key)) await setTimeout(20);
    placement.displace(probe.key);
  }
  return placement.hasSwitched(key);
}

const move = { pool: 'b', leftBehind: ['a'] };

test('clients have moved to another pool when its Service leads to pods of that pool only', async (t) => {
  const world = await startPlacementWorld(t, kube, { timing: { switchGraceMs: 0 } });
  const { placement, made, becomes, names } = world;
  const service = 'service/fp-team-a-egress';
  await makePod(world, 'a-1', 'a');
  await makePod(world, 'b-1', 'b');
  placement.place(placed('egress', { pool: 'a' }));
  await made(service);
  await sendTo(world, [{ pod: 'a-1', ready: true }]);
  await untilSwitched(world);

  placement.place(placed('egress', { ...move, programmed: false }));
  await made('deployment/headgate-pool-b');
  t.false(await isSwitchedNow(world));
  placement.place(placed('egress', move));
  await becomes(service, '{.spec.selector.headgate\\.dev/pool}=b');
  t.false(await isSwitchedNow(world), 'endpoints are still those of a');
  await sendTo(world, [
    { pod: 'a-1', ready: false },
    { pod: 'b-1', ready: true },
  ]);
  t.false(await isSwitchedNow(world), 'one endpoint is still of a');
  await sendTo(world, [{ pod: 'b-1', ready: false }]);
  t.false(await isSwitchedNow(world), 'nobody is ready');
  await sendTo(world, [{ pod: 'b-1', ready: true }]);
  await untilSwitched(world);

  t.true((await names('deployment')).includes('deployment.apps/headgate-pool-a'));
});

test('clients are not sent to a pool before Kubernetes calls a pod of it ready', async (t) => {
  const world = await startPlacementWorld(t, kube, { timing: { switchGraceMs: 0 } });
  const { placement, made, becomes, podRegistry, kubectl, namespace } = world;
  const service = 'service/fp-team-a-egress';
  await makePod(world, 'a-1', 'a');
  await makePod(world, 'b-1', 'b', { isReady: false });
  placement.place(placed('egress', { pool: 'a' }));
  await made(service);

  placement.place(placed('egress', move));
  await made('deployment/headgate-pool-b');
  t.false(await isSwitchedNow(world));
  const pool = '{.spec.selector.headgate\\.dev/pool}';
  t.is(await kubectl('get', service, '-n', namespace, '-o', `jsonpath=${pool}`), 'a');
  t.false(podRegistry.isReady('b'));

  await makeReady(world, 'b-1');

  await becomes(service, `${pool}=b`);
});

test('who returns to the pool it came from waits for its clients again', async (t) => {
  const world = await startPlacementWorld(t, kube, { timing: { switchGraceMs: 0 } });
  const { placement, made, becomes } = world;
  await makePod(world, 'a-1', 'a');
  await makePod(world, 'b-1', 'b');
  placement.place(placed('egress', { pool: 'a' }));
  await made('service/fp-team-a-egress');
  await sendTo(world, [{ pod: 'a-1', ready: true }]);
  await untilSwitched(world);
  placement.place(placed('egress', move));
  await becomes('service/fp-team-a-egress', '{.spec.selector.headgate\\.dev/pool}=b');
  await sendTo(world, [{ pod: 'b-1', ready: true }]);

  placement.place(placed('egress', { pool: 'a', leftBehind: ['b'], programmed: false }));

  t.false(placement.hasSwitched(placed('egress').key), 'its Service leads to b');
  t.false(await isSwitchedNow(world));
});

test('after the endpoints have moved, the nodes get time to hear of it', async (t) => {
  const world = await startPlacementWorld(t, kube, { timing: { switchGraceMs: 1000 } });
  await makePod(world, 'b-1', 'b');
  world.placement.place(placed('egress', { pool: 'b' }));
  await world.made('service/fp-team-a-egress');
  await sendTo(world, [{ pod: 'b-1', ready: true }]);
  const movedAt = performance.now();

  await untilSwitched(world);

  t.true(performance.now() - movedAt >= 1000);
});

test('a resource that clients of other pods cannot reach has no Service, and no clients to wait for', async (t) => {
  const world = await startPlacementWorld(t, kube);
  const listeners = [{ listener: 'http', address: '127.0.0.1', port: 3128 }];
  world.placement.place(placed('egress', { listeners }));

  await untilSwitched(world);

  await world.made('service/headgate-pool-default-metrics');
  t.deepEqual(await world.names('service'), ['service/headgate-pool-default-metrics']);
  t.true(world.placement.hasSwitched(placed('nobody-knows').key));
});

test('a pod that was deleted is known to be gone at once, one that is silent exists, of others nothing is known', async (t) => {
  const world = await startPlacementWorld(t, kube);
  const { podRegistry, kubectl } = world;
  await makePod(world, 'a-1', 'a');
  await makePod(world, 'a-2', 'a');
  while (podRegistry.exists('a', 'a-2') === null) await setTimeout(20);

  await kubectl('delete', 'pod', 'a-1', '--grace-period=0', '--force');
  await kubectl(
    'patch',
    'pod',
    'a-2',
    '--subresource=status',
    '--patch',
    '{"status":{"phase":"Running"}}',
  );
  while (podRegistry.exists('a', 'a-1') !== false) await setTimeout(20);

  t.true(podRegistry.exists('a', 'a-2'));
  t.is(podRegistry.exists('a', 'never-seen'), null);
  await kubectl(
    'patch',
    'pod',
    'a-2',
    '--subresource=status',
    '--patch',
    '{"status":{"phase":"Failed"}}',
  );
  while (podRegistry.exists('a', 'a-2') !== false) await setTimeout(20);
});
