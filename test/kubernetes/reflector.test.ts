import { randomUUID } from 'node:crypto';
import test from 'ava';
import { isExpired } from '../../operator/kubernetes/api.ts';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { startKubeRelay } from '../support/kube-relay.ts';
import { openApi } from '../support/open-api.ts';
import { reflect } from '../support/reflect.ts';
import { createScope } from '../support/teardowns.ts';

const configMaps = pathOf(resourceTypes.configMaps, { namespace: 'default' });

/** One API server for all that leave it alone; each in a namespace of its own. */
const scope = createScope();
let shared: KubeApi;
test.before(async () => {
  shared = await startKubeApi(scope);
});
test.after.always(() => scope.close());

async function makeHome(
  kube: KubeApi,
): Promise<{ readonly namespace: string; readonly path: string }> {
  const namespace = `home-${randomUUID()}`;
  await kube.kubectl('create', 'namespace', namespace);
  return { namespace, path: pathOf(resourceTypes.configMaps, { namespace }) };
}

/** Failures are tried again at once, so that tests need not wait. */
const impatient = { firstPauseMs: 20, longestPauseMs: 100 };

async function put(kube: KubeApi, name: string, x: string, namespace = 'default'): Promise<void> {
  const metadata = { name, namespace };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { x } };
  await kube.apply(JSON.stringify(object), '--force-conflicts');
}

test('what is made, changed and deleted is seen', async (t) => {
  const kube = shared;
  const { namespace, path } = await makeHome(kube);
  const api = await openApi(t, kube.kubeconfig);
  const { seen, reflector } = reflect(t, api, { path });
  await reflector.listed;

  await put(kube, 'a', '1', namespace);
  await seen.next('put a 1');
  await put(kube, 'a', '2', namespace);
  await seen.next('put a 2');
  await kube.kubectl('delete', 'configmap', 'a', '--namespace', namespace);
  await seen.next('gone a 2');
  t.true(reflector.complete);
});

test('one object is followed by its name, whatever happens to its neighbours', async (t) => {
  const kube = shared;
  const { namespace, path } = await makeHome(kube);
  const api = await openApi(t, kube.kubeconfig);
  const { seen, reflector } = reflect(t, api, {
    path,
    fieldSelector: 'metadata.name=a',
  });
  await reflector.listed;

  await put(kube, 'b', '1', namespace);
  await put(kube, 'a', '1', namespace);
  await seen.next('put a 1');

  t.deepEqual(seen.all, ['complete', 'put a 1']);
});

test('while the API server is away nothing is taken for gone, and after its return nothing is missed', async (t) => {
  const kube = await startKubeApi(t);
  const api = await openApi(t, kube.kubeconfig);
  await put(kube, 'a', '1');
  const { seen, reflector, restarts } = reflect(t, api, { path: configMaps, timing: impatient });
  await seen.next('put a 1');

  for (const round of ['2', '3']) {
    await kube.kill();
    await seen.next('restart failed');
    t.is(reflector.get('default', 'a')?.value, String(Number(round) - 1));
    await kube.start();
    await put(kube, 'a', round);
    await seen.next(`put a ${round}`);
  }

  t.false(seen.all.some((line) => line.startsWith('gone')));
  t.true(reflector.complete);
  t.false(restarts.includes('expired'));
});

test('a watch that is cut goes on where it was: each change is told once', async (t) => {
  const kube = shared;
  const { namespace, path } = await makeHome(kube);
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  const { seen, reflector } = reflect(t, api, { path, timing: impatient });
  await reflector.listed;

  const expected: string[] = [];
  for (let change = 0; change < 20; change += 1) {
    relay.cut();
    await put(kube, 'a', String(change), namespace);
    await seen.next(`put a ${change}`);
    expected.push(`put a ${change}`);
  }

  t.deepEqual(
    seen.all.filter((line) => line.startsWith('put')),
    expected,
  );
});

test('a connection that has gone silent is given up, and what was missed is seen', async (t) => {
  const kube = shared;
  const { namespace, path } = await makeHome(kube);
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  const timing = { ...impatient, stallMs: 300 };
  const { seen, reflector } = reflect(t, api, { path, timing });
  await reflector.listed;

  relay.dropReplies();
  await put(kube, 'a', '1', namespace);
  await seen.next('restart stalled');
  relay.cut();

  await seen.next('put a 1');
  t.true(reflector.complete);
});

test('a server that has forgotten where the watch was is listed again: what went meanwhile is gone', async (t) => {
  const kube = await startKubeApi(t);
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  await put(kube, 'deleted', '1');
  await put(kube, 'kept', '1');
  const { seen, reflector } = reflect(t, api, { path: configMaps, timing: impatient });
  await seen.next('put deleted 1');
  await seen.next('put kept 1');

  relay.dropReplies();
  await kube.kubectl('delete', 'configmap', 'deleted');
  await put(kube, 'kept', '2');
  await forgetHistory(kube);
  relay.cut();

  await seen.next('restart expired');
  await seen.next('gone deleted 1');
  await seen.next('put kept 2');
  t.true(reflector.complete);
});

test('an object deleted and made again while nobody watched is another object', async (t) => {
  const kube = await startKubeApi(t);
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  await put(kube, 'a', '1');
  const { seen } = reflect(t, api, { path: configMaps, timing: impatient });
  await seen.next('put a 1');
  await seen.next('complete');
  const before = seen.all.length;

  relay.dropReplies();
  await kube.kubectl('delete', 'configmap', 'a');
  await put(kube, 'a', '2');
  await forgetHistory(kube);
  relay.cut();

  await seen.next('put a 2');
  const since = seen.all.slice(before).filter((line) => !line.startsWith('restart'));
  t.deepEqual(since, ['gone a 1', 'put a 2']);
});

test('1,500 objects are listed in pages, each once', async (t) => {
  const kube = shared;
  const { path } = await makeHome(kube);
  const api = await openApi(t, kube.kubeconfig);
  const names = Array.from({ length: 1500 }, (_, index) => `many-${index}`);
  await Promise.all(
    names.map((name) => api.create(path, { metadata: { name }, data: { x: 'x'.repeat(200) } })),
  );

  const { reflector, seen } = reflect(t, api, { path });
  await reflector.listed;

  const many = [...reflector.entries()].filter(({ name }) => name.startsWith('many-'));
  t.is(many.length, 1500);
  t.is(seen.all.filter((line) => line.startsWith('put many-')).length, 1500);
});

test('a listing that takes longer than the server remembers is made in one piece', async (t) => {
  const kube = await startKubeApi(t);
  const api = await openApi(t, kube.kubeconfig);
  for (const name of ['a', 'b', 'c']) await put(kube, name, '1');
  let pages = 0;
  const forgetful = {
    ...api,
    async list(...asked: Parameters<typeof api.list>) {
      pages += 1;
      if (pages === 2) {
        await put(kube, 'later', '1');
        await forgetHistory(kube);
      }
      return await api.list(...asked);
    },
  };

  const { reflector, restarts } = reflect(t, forgetful, {
    path: configMaps,
    timing: { ...impatient, pageSize: 1 },
  });
  await reflector.listed;

  t.deepEqual(restarts, ['expired']);
  const names = [...reflector.entries()].map(({ name }) => name);
  t.deepEqual(names.filter((name) => name.length === 1).sort(), ['a', 'b', 'c']);
});

test('who may not list any more knows nothing for certain, until the right is back', async (t) => {
  const kube = shared;
  const { namespace, path } = await makeHome(kube);
  const inHome = (...args: string[]) => kube.kubectl(...args, '--namespace', namespace);
  await inHome('create', 'serviceaccount', 'reader');
  await inHome('create', 'role', 'read', '--verb=list,watch', '--resource=configmaps');
  const bind = () =>
    inHome('create', 'rolebinding', 'read', '--role=read', `--serviceaccount=${namespace}:reader`);
  await bind();
  const relay = await startKubeRelay(t, kube, await kube.kubeconfigOf(namespace, 'reader'));
  const api = await openApi(t, relay.kubeconfig);
  await put(kube, 'a', '1', namespace);
  const { seen, reflector } = reflect(t, api, { path, timing: impatient });
  await seen.next('complete');

  await inHome('delete', 'rolebinding', 'read');
  relay.cut();
  await seen.next('incomplete');
  t.is(reflector.problem?.status, 403);
  t.is(reflector.get(namespace, 'a')?.value, '1', 'what was known is kept');

  await bind();
  await seen.next('complete');
  t.is(reflector.problem, null);
  t.false(seen.all.some((line) => line.startsWith('gone')));
});

test('a type the server does not know is not an empty collection', async (t) => {
  const api = await openApi(t, shared.kubeconfig);
  const path = pathOf({ group: 'headgate.dev', version: 'v1alpha1', plural: 'forwardproxies' });
  const { seen, reflector } = reflect(t, api, { path, timing: impatient });

  await seen.next('incomplete');

  t.is(reflector.problem?.reason, 'NotFound');
  t.false(reflector.complete);
});

test('a listener that throws ends nothing', async (t) => {
  const kube = shared;
  const { namespace, path } = await makeHome(kube);
  const api = await openApi(t, kube.kubeconfig);
  await put(kube, 'throw', '1', namespace);
  const { seen } = reflect(t, api, { path });
  await seen.next('put throw 1');

  await put(kube, 'a', '1', namespace);
  await seen.next('put a 1');
  t.pass();
});

test('asking for a version the server has forgotten is told apart from every other failure', async (t) => {
  const kube = await startKubeApi(t);
  const api = await openApi(t, kube.kubeconfig);
  await forgetHistory(kube);
  const query = { resourceVersion: '1', timeoutSeconds: 1 };
  const watched = async () => {
    for await (const _ of api.watch(configMaps, query, new AbortController().signal));
  };

  t.true(isExpired(await t.throwsAsync(watched)));
});

/** Compacts etcd, and takes from the API server what it still remembers. */
async function forgetHistory(kube: KubeApi): Promise<void> {
  await kube.compact();
  await kube.kill();
  await kube.start();
}
