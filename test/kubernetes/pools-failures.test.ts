import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { startKubeApi } from '../support/kube-api.ts';
import { placed, startPlacementWorld } from '../support/placement-world.ts';

test('what was asked for while the API server was away is made when it is back, and nothing twice', async (t) => {
  const kube = await startKubeApi(t);
  const { placement, made, poolMade, gone, names, problems } = await startPlacementWorld(t, kube);
  placement.complete();
  placement.place(placed('egress'));
  await Promise.all([made('service/fp-team-a-egress'), poolMade('default')]);

  await kube.kill();
  placement.place(placed('other'));
  placement.displace(placed('egress').key);
  await kube.start();

  await Promise.all([made('service/fp-team-a-other'), gone('service/fp-team-a-egress')]);
  t.deepEqual(await names('service'), [
    'service/fp-team-a-other',
    'service/headgate-pool-default-metrics',
  ]);
  t.deepEqual(problems, []);
});

test('rights that are missing are said once, and what they forbid is made when they are there', async (t) => {
  const kube = await startKubeApi(t, { controllers: true });
  await kube.kubectl('create', 'namespace', 'weak');
  const weak = (...args: readonly string[]) => kube.kubectl('--namespace=weak', ...args);
  await weak('create', 'serviceaccount', 'operator');
  const verbs = '--verb=get,list,watch,create,patch,delete';
  const most = 'secrets,serviceaccounts,deployments.apps,poddisruptionbudgets.policy,pods';
  const role = (name: string, resource: string) => [
    weak('create', 'role', name, verbs, `--resource=${resource}`),
    weak('create', 'rolebinding', name, `--role=${name}`, '--serviceaccount=weak:operator'),
  ];
  await Promise.all(role('most', most));
  await Promise.all([
    weak('create', 'role', 'services', '--verb=get,list,watch', '--resource=services'),
    weak('create', 'rolebinding', 'services', '--role=services', '--serviceaccount=weak:operator'),
  ]);
  const kubeconfig = await kube.kubeconfigOf('weak', 'operator');
  const world = await startPlacementWorld(t, kube, { namespace: 'weak', kubeconfig });
  world.placement.place(placed('one'));
  world.placement.place(placed('two'));
  await world.made('deployment/headgate-pool-default');
  await world.made('poddisruptionbudget/headgate-pool-default');

  await Promise.all(role('rest', 'services'));
  await Promise.all([world.made('service/fp-team-a-one'), world.made('service/fp-team-a-two')]);
  await world.poolMade('default');

  while (world.problems.length < 2) await setTimeout(20);
  const [problem = '', ...more] = world.problems;
  t.regex(problem, /^kubernetes\/rbac: .*services.* is forbidden/);
  t.deepEqual(more, ['kubernetes/rbac: solved']);
});

test('who may not be sure to lead writes nothing until it is', async (t) => {
  const kube = await startKubeApi(t);
  let leads = false;
  const world = await startPlacementWorld(t, kube, { mayWrite: () => leads });
  const asked = Promise.withResolvers<void>();
  const watched = await startPlacementWorld(t, kube, {
    namespace: world.namespace,
    mayWrite: () => {
      asked.resolve();
      return leads;
    },
  });
  world.placement.place(placed('egress'));
  watched.placement.place(placed('egress'));
  await asked.promise;
  t.deepEqual(await world.names('service', 'deployment'), []);
  t.deepEqual(world.requests, []);

  leads = true;

  await world.made('service/fp-team-a-egress');
  t.deepEqual(world.problems, []);
});

test('other credentials and other settings reach a pool when it is said that they may have changed', async (t) => {
  const kube = await startKubeApi(t);
  let password = 'first';
  const world = await startPlacementWorld(t, kube, {
    secretOf: async () => ({ 'nats.password': password }),
  });
  const secret = 'secret/headgate-pool-default';
  const inBase64 = (text: string) => Buffer.from(text).toString('base64');
  world.placement.place(placed('egress'));
  await world.poolMade('default');
  const before = await world.object('deployment', 'headgate-pool-default');

  password = 'second';
  world.placement.refresh();
  await world.becomes(secret, `{.data.nats\\.password}=${inBase64('second')}`);

  const after = await world.object('deployment', 'headgate-pool-default');
  t.is(after.metadata.resourceVersion, before.metadata.resourceVersion, 'no pod is replaced');
  const written = JSON.stringify([await world.object('secret', 'headgate-pool-default'), after]);
  t.false(written.includes('second'));
});

test('credentials that cannot be made keep nothing else of a pool from being mended', async (t) => {
  const kube = await startKubeApi(t);
  const world = await startPlacementWorld(t, kube, {
    secretOf: () => Promise.reject(new Error('no signing seed')),
  });
  world.placement.place(placed('egress'));

  await world.made('service/headgate-pool-default-metrics');
  while (world.problems.length === 0) await setTimeout(20);

  t.deepEqual(world.problems, ['pool/default: no signing seed']);
});
