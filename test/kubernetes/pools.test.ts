import test from 'ava';
import { serviceNames } from '../../operator/kubernetes/pools/names.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { placed, startPlacementWorld } from '../support/placement-world.ts';
import { createScope } from '../support/teardowns.ts';

/** One API server for all that leave it alone; each in a namespace of its own. */
const scope = createScope();
let kube: KubeApi;
test.before(async () => {
  kube = await startKubeApi(scope);
});
test.after.always(() => scope.close());

const everything = ['deployment', 'service', 'serviceaccount', 'poddisruptionbudget', 'secret'];

test('a pool in use gets pods, a budget, credentials and something to scrape; a resource gets a Service', async (t) => {
  const { placement, names, made, poolMade, object } = await startPlacementWorld(t, kube);

  placement.place(placed('egress'));

  await Promise.all([made('service/fp-team-a-egress'), poolMade('default')]);
  t.deepEqual(await names(...everything), [
    'deployment.apps/headgate-pool-default',
    'service/fp-team-a-egress',
    'service/headgate-pool-default-metrics',
    'serviceaccount/headgate-pool-default',
    'poddisruptionbudget.policy/headgate-pool-default',
    'secret/headgate-pool-default',
  ]);
  const service = await object('service', 'fp-team-a-egress');
  const deployment = await object('deployment', 'headgate-pool-default');
  t.like(service.metadata, {
    labels: { 'headgate.dev/owner-uid': 'uid-of-egress' },
    annotations: { 'headgate.dev/owner': 'ForwardProxy/team-a/egress' },
  });
  t.like(service.spec.ports, [{ name: 'http', port: 3128, targetPort: 3128 }]);
  t.like(deployment.spec.template.metadata.labels, service.spec.selector);
  t.is(deployment.spec.replicas, 2);
});

test('the pods of a pool are held to the restricted Pod Security Standard', async (t) => {
  const { namespace, placement, made, object } = await startPlacementWorld(t, kube);
  const enforced = 'pod-security.kubernetes.io/enforce=restricted';
  await kube.kubectl('label', 'namespace', namespace, enforced);
  placement.place(placed('egress'));
  await made('deployment/headgate-pool-default');
  const { template } = (await object('deployment', 'headgate-pool-default')).spec;
  const pod = (spec: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec });
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;

  const ours = await kube.request('POST', path, pod(template.spec));
  const careless = { ...template.spec, securityContext: {} };
  const refused = await kube.request('POST', path, pod(careless));

  t.is(ours.status, 201, ours.body);
  t.is(refused.status, 403);
  t.regex(refused.body, /violates PodSecurity/);
});

test('an operator that starts anew and finds all as it should be writes nothing', async (t) => {
  const settings = {
    default: {
      resources: { requests: { cpu: '1000m', memory: '0.5Gi' }, limits: { memory: '1024Mi' } },
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'edge', operator: 'Exists' }],
      podAnnotations: { team: 'us' },
      priorityClassName: 'high',
    },
  };
  const first = await startPlacementWorld(t, kube, { settings });
  const { namespace, object } = first;
  first.placement.place(placed('egress'));
  await first.made('service/fp-team-a-egress');
  await first.poolMade('default');
  await first.placement[Symbol.asyncDispose]();
  const before = (await object('deployment', 'headgate-pool-default')).metadata.resourceVersion;

  const second = await startPlacementWorld(t, kube, { namespace, settings });
  second.placement.place(placed('egress'));
  second.placement.complete();
  second.placement.place(placed('other'));
  await second.made('service/fp-team-a-other');

  t.deepEqual(second.requests, [`apply /api/v1/namespaces/${namespace}/services/fp-team-a-other`]);
  t.deepEqual(second.writes, ['Service applied']);
  const after = (await object('deployment', 'headgate-pool-default')).metadata.resourceVersion;
  t.is(after, before);
});

test('what somebody changes or deletes by hand is put right', async (t) => {
  const world = await startPlacementWorld(t, kube);
  const { placement, kubectl, made, becomes } = world;
  placement.place(placed('egress'));
  await Promise.all([made('service/fp-team-a-egress'), made('deployment/headgate-pool-default')]);

  const label = ['label', '--overwrite', 'service/fp-team-a-egress'];
  await kubectl(...label, 'headgate.dev/owner-uid=x');
  await becomes(
    'service/fp-team-a-egress',
    '{.metadata.labels.headgate\\.dev/owner-uid}=uid-of-egress',
  );
  await kubectl(...label, 'app.kubernetes.io/managed-by-');
  await becomes(
    'service/fp-team-a-egress',
    '{.metadata.labels.app\\.kubernetes\\.io/managed-by}=headgate-operator',
  );
  const port = '{"spec":{"ports":[{"name":"http","port":9999,"targetPort":9999}]}}';
  await kubectl('patch', 'service', 'fp-team-a-egress', '--type=merge', '--patch', port);
  await becomes('service/fp-team-a-egress', '{.spec.ports[*].port}=3128');
  const selector = '{"spec":{"selector":{"nobody":"has-this","headgate.dev/pool":"other"}}}';
  await kubectl('patch', 'service', 'fp-team-a-egress', '--type=merge', '--patch', selector);
  await becomes('service/fp-team-a-egress', '{.spec.selector.headgate\\.dev/pool}=default');
  const { spec } = await world.object('service', 'fp-team-a-egress');
  t.is(spec.selector.nobody, undefined);
  await kubectl('scale', 'deployment', 'headgate-pool-default', '--replicas=7');
  await becomes('deployment/headgate-pool-default', '{.spec.replicas}=2');
  await kubectl('set', 'image', 'deployment/headgate-pool-default', 'headgate=other:1');
  await becomes(
    'deployment/headgate-pool-default',
    '{.spec.template.spec.containers[0].image}=headgate:test',
  );
  const { uid } = (await world.object('service', 'fp-team-a-egress')).metadata;
  await kubectl('delete', 'service', 'fp-team-a-egress');
  await made('service/fp-team-a-egress');

  t.not((await world.object('service', 'fp-team-a-egress')).metadata.uid, uid);
  t.deepEqual(world.problems, []);
  t.is(world.writes.filter((write) => write === 'Service corrected').length, 5);
  t.is(world.writes.filter((write) => write === 'Deployment corrected').length, 2);
});

test('what others have added stays', async (t) => {
  const world = await startPlacementWorld(t, kube);
  const { placement, kubectl, made, becomes, object } = world;
  placement.place(placed('egress'));
  await Promise.all([made('service/fp-team-a-egress'), made('deployment/headgate-pool-default')]);

  await kubectl('annotate', 'service/fp-team-a-egress', 'team/contact=us');
  await kubectl('annotate', 'deployment/headgate-pool-default', 'team/contact=us');
  const policy = '{"spec":{"internalTrafficPolicy":"Local"}}';
  await kubectl('patch', 'service', 'fp-team-a-egress', '--type=merge', '--patch', policy);
  const listeners = [{ listener: 'http', address: '::', port: 8080 }];
  placement.place(placed('egress', { listeners }));
  await becomes('service/fp-team-a-egress', '{.spec.ports[*].port}=8080');

  const service = await object('service', 'fp-team-a-egress');
  t.is(service.metadata.annotations['team/contact'], 'us');
  t.is(service.spec.internalTrafficPolicy, 'Local');
  const deployment = await object('deployment', 'headgate-pool-default');
  t.is(deployment.metadata.annotations['team/contact'], 'us');
});

test('replicas that an autoscaler owns are left to it, also when it takes over from the settings', async (t) => {
  const first = await startPlacementWorld(t, kube, { settings: { default: { replicas: 3 } } });
  const { namespace, kubectl, made, becomes, object } = first;
  const deployment = 'deployment/headgate-pool-default';
  first.placement.place(placed('egress'));
  await Promise.all([made('service/fp-team-a-egress'), made(deployment)]);
  await first.placement[Symbol.asyncDispose]();

  const second = await startPlacementWorld(t, kube, {
    namespace,
    settings: { default: { replicas: null, workers: 2 } },
  });
  second.placement.place(placed('egress'));
  const workers = '{.spec.template.spec.containers[0].env[?(@.name=="HEADGATE_WORKERS")].value}';
  await becomes(deployment, `${workers}=2`);
  t.is((await object('deployment', 'headgate-pool-default')).spec.replicas, 3);

  await kubectl('scale', deployment, '--replicas=9');
  await kubectl('set', 'env', deployment, 'HEADGATE_WORKERS=7');
  await becomes(deployment, `${workers}=2`);
  t.is((await object('deployment', 'headgate-pool-default')).spec.replicas, 9);
});

test('what nobody was told of is removed, but not before everything has been told', async (t) => {
  const first = await startPlacementWorld(t, kube);
  const { namespace, made, poolMade, gone, names } = first;
  for (const name of ['kept', 'leftover']) first.placement.place(placed(name));
  first.placement.place(placed('moved', { pool: 'abandoned' }));
  await Promise.all(['kept', 'leftover', 'moved'].map((name) => made(`service/fp-team-a-${name}`)));
  await Promise.all([poolMade('default'), poolMade('abandoned')]);
  await first.placement[Symbol.asyncDispose]();
  await first.kubectl('create', 'service', 'clusterip', 'not-ours', '--tcp=80');

  const second = await startPlacementWorld(t, kube, { namespace, timing: { keepUnusedMs: 0 } });
  second.placement.place(placed('kept'));
  second.placement.place(placed('new'));
  await made('service/fp-team-a-new');
  t.deepEqual(second.writes, ['Service applied']);
  second.placement.complete();

  await Promise.all([
    gone('service/fp-team-a-leftover'),
    gone('service/fp-team-a-moved'),
    gone('secret/headgate-pool-abandoned'),
  ]);
  t.deepEqual(await names(...everything), [
    'deployment.apps/headgate-pool-default',
    'service/fp-team-a-kept',
    'service/fp-team-a-new',
    'service/headgate-pool-default-metrics',
    'service/not-ours',
    'serviceaccount/headgate-pool-default',
    'poddisruptionbudget.policy/headgate-pool-default',
    'secret/headgate-pool-default',
  ]);
});

test('a resource that goes takes its Service with it, and its pool follows after a while', async (t) => {
  const { placement, made, poolMade, gone, names, writes } = await startPlacementWorld(t, kube, {
    timing: { keepUnusedMs: 1500 },
  });
  placement.complete();
  placement.place(placed('egress'));
  await Promise.all([made('service/fp-team-a-egress'), poolMade('default')]);

  placement.displace(placed('egress').key);
  await gone('service/fp-team-a-egress');
  placement.place(placed('other'));
  await made('service/fp-team-a-other');
  placement.displace(placed('other').key);
  await gone('service/fp-team-a-other');
  t.false(writes.includes('Deployment deleted'));
  await gone('secret/headgate-pool-default');

  t.deepEqual(await names(...everything), []);
});

test('a Service appears when its resource is programmed, and changes only then', async (t) => {
  const { placement, made, becomes, names, object } = await startPlacementWorld(t, kube);
  const at = (port: number) => [{ listener: 'http', address: '::', port }];
  const hidden = placed('hidden', { programmed: false });
  placement.place(hidden);
  placement.place(placed('egress'));
  await made('service/fp-team-a-egress');

  placement.place(placed('egress', { programmed: false, listeners: at(8080) }));
  placement.place(placed('other'));
  await made('service/fp-team-a-other');
  t.is((await object('service', 'fp-team-a-egress')).spec.ports[0].port, 3128);
  placement.place(placed('egress', { listeners: at(8080) }));
  await becomes('service/fp-team-a-egress', '{.spec.ports[*].port}=8080');

  t.false((await names('service')).includes('service/fp-team-a-hidden'));
});

test('two resources that wish for the same name of a Service both get one, each always the same', async (t) => {
  const one = placed('c', { key: { kind: 'ForwardProxy', namespace: 'a-b', name: 'c' } });
  const other = placed('b-c', { key: { kind: 'ForwardProxy', namespace: 'a', name: 'b-c' } });
  const first = await startPlacementWorld(t, kube);
  const { namespace, made, poolMade, names, object } = first;
  first.placement.place(one);
  await Promise.all([made('service/fp-a-b-c'), poolMade('default')]);
  first.placement.place(other);
  await made(`service/${serviceNames(other.key)[1]}`);
  await first.placement[Symbol.asyncDispose]();
  const before = await names('service');

  const second = await startPlacementWorld(t, kube, { namespace });
  second.placement.place(other);
  second.placement.place(one);
  second.placement.complete();
  second.placement.place(placed('last'));
  await made('service/fp-team-a-last');

  t.deepEqual(await names('service'), [...before, 'service/fp-team-a-last'].toSorted());
  const { annotations } = (await object('service', 'fp-a-b-c')).metadata;
  t.is(annotations['headgate.dev/owner'], 'ForwardProxy/a-b/c');
});

test('an object of somebody else is not taken over, and it is said once', async (t) => {
  const world = await startPlacementWorld(t, kube);
  const { placement, kubectl, made, becomes, object, problems } = world;
  await kubectl('create', 'service', 'clusterip', 'fp-team-a-egress', '--tcp=80');
  placement.place(placed('egress'));
  placement.place(placed('other'));
  await made('service/fp-team-a-other');
  const theirs = await object('service', 'fp-team-a-egress');
  t.is(theirs.spec.ports[0].port, 80);

  await kubectl('delete', 'service', 'fp-team-a-egress');
  await made('service/fp-team-a-egress');
  await becomes('service/fp-team-a-egress', '{.spec.ports[*].port}=3128');

  t.deepEqual(problems.slice(0, 1), [
    `resource/ForwardProxy/team-a/egress: Service ${world.namespace}/fp-team-a-egress is there already, and not Headgate's`,
  ]);
  t.is(problems.filter((problem) => !problem.endsWith('solved')).length, 1);
});
