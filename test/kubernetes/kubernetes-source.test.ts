import { randomUUID } from 'node:crypto';
import test from 'ava';
import { applyCrds, type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { startKubeRelay } from '../support/kube-relay.ts';
import { keyOf, openSource, proxyManifest, readAll } from '../support/kubernetes-source.ts';
import { openApi } from '../support/open-api.ts';
import { createScope } from '../support/teardowns.ts';
import { createTold } from '../support/told.ts';

/** One API server for all that leave it alone; each in a namespace of its own. */
const scope = createScope();
let shared: KubeApi;
test.before(async () => {
  shared = await startKubeApi(scope, { crds: true });
});
test.after.always(() => scope.close());

async function makeNamespace(kube: KubeApi): Promise<string> {
  const namespace = `team-${randomUUID()}`;
  await kube.kubectl('create', 'namespace', namespace);
  return namespace;
}

test('a resource is read with the defaults of its schema, and whose it is', async (t) => {
  const namespace = await makeNamespace(shared);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api);
  await told.next('synced');

  await shared.apply(proxyManifest(namespace, 'egress'), '--field-manager=argocd');
  await told.next(`resource ${namespace}/egress`);

  const observed = source.read(keyOf(namespace, 'egress'));
  if (!observed?.valid) return t.fail('it is valid');
  t.like(observed, { generation: 1, holdAt: null, cause: 'argocd' });
  t.is(observed.spec.listeners[0]?.address, '::');
  t.regex(observed.uid ?? '', /^[0-9a-f-]{36}$/);
  t.regex(observed.createdAt ?? '', /^20/);
  t.regex(source.id, /^kubernetes:[0-9a-f-]{36}$/);
  t.true(source.list().complete);
  t.true(source.list().keys.some(({ name }) => name === 'egress'));
});

test('the cause of a change is who changed the spec, not who touched the rest', async (t) => {
  const namespace = await makeNamespace(shared);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api);
  await shared.apply(proxyManifest(namespace, 'egress'), '--field-manager=argocd');
  await told.next(`resource ${namespace}/egress`);

  const label = ['label', 'forwardproxy', 'egress', 'a=b', '--namespace', namespace];
  await shared.kubectl(...label, '--field-manager=somebody');
  await told.next(`resource ${namespace}/egress`);

  t.is(source.read(keyOf(namespace, 'egress'))?.cause, 'argocd');
});

test('the version to stay at is read, and one that is none is refused', async (t) => {
  const namespace = await makeNamespace(shared);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api);
  for (const [name, hold] of [
    ['good', '42'],
    ['bad', 'last week'],
  ] as const) {
    const annotations = { 'headgate.dev/hold-at': hold };
    await shared.apply(proxyManifest(namespace, name, {}, { annotations }));
    await told.next(`resource ${namespace}/${name}`);
  }

  const good = source.read(keyOf(namespace, 'good'));
  const bad = source.read(keyOf(namespace, 'bad'));

  t.is(good?.valid && good.holdAt, 42);
  if (bad === null || bad.valid) return t.fail('it is refused');
  t.like(bad, {
    generation: 1,
    problems: [{ field: 'metadata.annotations["headgate.dev/hold-at"]' }],
  });
  t.is(typeof bad.uid, 'string');
});

test('what an older definition let through is refused, and throws nothing', async (t) => {
  const kube = await startKubeApi(t, { crds: true });
  const api = await openApi(t, kube.kubeconfig);
  const lax = [
    {
      op: 'add',
      path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec',
      value: {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { pool: { type: 'string' } },
      },
    },
  ];
  const patch = ['patch', 'crd', 'forwardproxies.headgate.dev', '--type=json'];
  await kube.kubectl(...patch, `--patch=${JSON.stringify(lax)}`);
  const { source, told } = await openSource(t, api);
  const manifest = proxyManifest('default', 'odd', { listeners: 'none', novel: [{ deep: null }] });
  while (
    (await kube.tryKubectl(['apply', '--server-side', '-f', '-'], { stdin: manifest })).code !== 0
  );
  await told.next('resource default/odd');

  const observed = source.read(keyOf('default', 'odd'));

  if (observed === null || observed.valid) return t.fail('it is refused');
  t.true(observed.problems.some(({ field }) => field === 'spec.listeners'));
});

test('a Secret is read by name, and told of when it is rotated', async (t) => {
  const namespace = await makeNamespace(shared);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api);
  const secret = (password: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'users', namespace },
    data: { auth: btoa(password), binary: Buffer.from([0xff, 0xfe]).toString('base64') },
  });

  t.deepEqual(await source.readSecret(namespace, 'users'), {
    found: false,
    message: `there is no Secret ${namespace}/users`,
  });
  await shared.apply(JSON.stringify(secret('first')));
  await told.next(`secret ${namespace}/users`);
  t.deepEqual(await source.readSecret(namespace, 'users'), {
    found: true,
    fields: { auth: 'first' },
  });
  await shared.apply(JSON.stringify(secret('second')));
  await told.next(`secret ${namespace}/users`);

  t.deepEqual(await source.readSecret(namespace, 'users'), {
    found: true,
    fields: { auth: 'second' },
  });
});

test('a Secret that nobody needs any more is asked about, and then not watched any longer', async (t) => {
  const namespace = await makeNamespace(shared);
  await shared.kubectl(
    'create',
    'secret',
    'generic',
    'users',
    '-n',
    namespace,
    '--from-literal=a=1',
  );
  const api = await openApi(t, shared.kubeconfig);
  const letGo = Promise.withResolvers<void>();
  const observed = {
    ...api,
    async *watch(...[path, query, signal]: Parameters<typeof api.watch>) {
      if (path.endsWith('/secrets')) signal.addEventListener('abort', () => letGo.resolve());
      yield* api.watch(path, query, signal);
    },
  };
  const { source, told } = await openSource(t, observed, { referredIdleMs: 300 });
  await source.readSecret(namespace, 'users');

  await told.next(`secret ${namespace}/users`);
  await source.readSecret(namespace, 'users');
  await told.next(`secret ${namespace}/users`);
  await letGo.promise;

  t.deepEqual(await source.readSecret(namespace, 'users'), { found: true, fields: { a: '1' } });
});

test('without the right to read Secrets, the resource says which right is missing', async (t) => {
  const namespace = await makeNamespace(shared);
  await shared.kubectl('create', 'serviceaccount', 'operator', '--namespace', namespace);
  const role = ['create', 'clusterrole', namespace, '--verb=get,list,watch'];
  await shared.kubectl(
    ...role,
    '--resource=namespaces,configmaps,customresourcedefinitions.apiextensions.k8s.io,forwardproxies.headgate.dev,mirrorroutes.headgate.dev',
  );
  const account = `--serviceaccount=${namespace}:operator`;
  await shared.kubectl(
    'create',
    'clusterrolebinding',
    namespace,
    '--clusterrole',
    namespace,
    account,
  );
  const api = await openApi(t, await shared.kubeconfigOf(namespace, 'operator'));
  const { source, told } = await openSource(t, api);

  t.deepEqual(await source.readSecret(namespace, 'users'), {
    found: false,
    message: `Headgate may not read Secret ${namespace}/users: its ServiceAccount needs list and watch of secrets in namespace ${namespace}`,
  });

  const grant = ['create', 'role', 'secrets', '--verb=list,watch', '--resource=secrets'];
  await shared.kubectl(...grant, '--namespace', namespace);
  const bind = ['create', 'rolebinding', 'secrets', '--role=secrets', account];
  await shared.kubectl(...bind, '--namespace', namespace);
  await told.next(`secret ${namespace}/users`);
  t.deepEqual(await source.readSecret(namespace, 'users'), {
    found: false,
    message: `there is no Secret ${namespace}/users`,
  });
});

test('a resource that a user deletes is certainly gone at once', async (t) => {
  const namespace = await makeNamespace(shared);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api, {
    absence: { graceMs: 3_600_000, recheckMs: 50 },
  });
  await shared.apply(proxyManifest(namespace, 'egress'));
  await told.next(`resource ${namespace}/egress`);
  t.false(await source.confirmAbsent(keyOf(namespace, 'egress')), 'it is there');

  await shared.kubectl('delete', 'forwardproxy', 'egress', '--namespace', namespace);
  await told.next(`resource ${namespace}/egress`);

  t.true(await source.confirmAbsent(keyOf(namespace, 'egress')));
});

test('a resource that was deleted, and then nobody could be asked, is certainly gone as soon as somebody can', async (t) => {
  const kube = await startKubeApi(t, { crds: true });
  const api = await openApi(t, kube.kubeconfig);
  const { source, told } = await openSource(t, api, {
    absence: { graceMs: 3_600_000, recheckMs: 50 },
  });
  const key = keyOf('default', 'egress');
  // Times have seconds: it has to be seen that it is younger than its definition.
  const created = '--output=jsonpath={.metadata.creationTimestamp}';
  const crd = await kube.kubectl('get', 'crd/forwardproxies.headgate.dev', created);
  while (Date.now() < Date.parse(crd) + 1000) await kube.kubectl('version');
  await kube.apply(proxyManifest('default', 'egress'));
  await told.next('resource default/egress');
  await kube.kubectl('delete', 'forwardproxy', 'egress');
  await told.next('resource default/egress');

  await kube.kill();
  t.false(await source.confirmAbsent(key));
  await kube.start();

  await told.next('resource default/egress');
  t.true(await source.confirmAbsent(key));
});

test('a definition that is deleted takes its resources with it, but nothing is certainly gone until they had time to come back', async (t) => {
  const kube = await startKubeApi(t, { crds: true });
  const api = await openApi(t, kube.kubeconfig);
  const { source, told } = await openSource(t, api);
  for (const name of ['returns', 'stays-away']) {
    await kube.apply(proxyManifest('default', name));
    await told.next(`resource default/${name}`);
  }

  await kube.kubectl('delete', 'crd', 'forwardproxies.headgate.dev');
  await told.next('resource default/returns');
  await told.next('resource default/stays-away');
  await told.next('problem forwardproxies');
  t.false(source.list().complete);
  t.false(await source.confirmAbsent(keyOf('default', 'returns')));
  t.false(await source.confirmAbsent(keyOf('default', 'stays-away')));

  await applyCrds(kube);
  await told.next('synced');
  t.false(await source.confirmAbsent(keyOf('default', 'stays-away')), 'too early to say');
  await kube.apply(proxyManifest('default', 'returns'));
  await told.next('resource default/returns');
  t.false(await source.confirmAbsent(keyOf('default', 'returns')));

  await told.next('resource default/stays-away');
  t.true(await source.confirmAbsent(keyOf('default', 'stays-away')));
  t.deepEqual(
    source.list().keys.map(({ name }) => name),
    ['returns'],
  );
});

test('while the API server is away nothing is certainly gone', async (t) => {
  const kube = await startKubeApi(t, { crds: true });
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  const { source, told } = await openSource(t, api);
  await told.next('synced');

  await kube.kill();
  t.false(await source.confirmAbsent(keyOf('default', 'never-seen')));
  await kube.start();

  await told.next('resource default/never-seen');
  t.true(await source.confirmAbsent(keyOf('default', 'never-seen')));
});

test('pools are as their ConfigMap says; one that cannot be read changes nothing', async (t) => {
  const namespace = await makeNamespace(shared);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api, { namespace });
  await told.next('synced');
  const write = (yaml: string) =>
    shared.apply(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'headgate-pools', namespace },
        data: { 'pools.yaml': yaml },
      }),
    );
  const where = `ConfigMap ${namespace}/headgate-pools`;
  t.is(source.refuseInPool('default', 'anybody'), null);
  t.is(source.refuseInPool('shop', 'shop')?.reason, 'PoolNotFound');

  await write('pools: {default: {}, shop: {namespaces: [shop], workers: 2}}');
  await told.next('pools');
  t.is(source.refuseInPool('shop', 'shop'), null);
  t.is(source.refuseInPool('shop', 'team-a')?.reason, 'PoolNotAllowed');
  t.is(source.poolsConfig()?.get('shop')?.workers, 2);

  await write('pools: {shop: {workers: many}}');
  await told.next(`problem ${where}`);
  t.is(source.poolsConfig()?.get('shop')?.workers, 2);

  await write('pools: {shop: {workers: 3}}');
  await told.next(`problemSolved ${where}`);
  await told.next('pools');
  t.is(source.poolsConfig()?.get('shop')?.workers, 3);

  await shared.kubectl('delete', 'configmap', 'headgate-pools', '--namespace', namespace);
  await told.next('pools');
  t.deepEqual([...(source.poolsConfig()?.keys() ?? [])], ['default']);
});

test('without readable pools a fresh operator knows nothing, and waits', async (t) => {
  const namespace = await makeNamespace(shared);
  const map = ['create', 'configmap', 'headgate-pools', '--from-literal=pools.yaml=pools: 1'];
  await shared.kubectl(...map, '--namespace', namespace);
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api, { namespace });
  await told.next(`problem ConfigMap ${namespace}/headgate-pools`);
  t.is(source.poolsConfig(), null);
  t.false(told.all.includes('synced'));

  await shared.kubectl('delete', 'configmap', 'headgate-pools', '--namespace', namespace);
  await told.next('synced');
  await source.synced;
  t.pass();
});

test('who begins to listen later is told that everything is known', async (t) => {
  const api = await openApi(t, shared.kubeconfig);
  const { source, told } = await openSource(t, api);
  await told.next('synced');

  const later = createTold();
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  void readAll(source, later, ended.signal);

  await later.next('synced');
  t.pass();
});
