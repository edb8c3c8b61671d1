import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ApiError } from '../../operator/kubernetes/api.ts';
import { openKubernetesApi } from '../../operator/kubernetes/api-client.ts';
import { accessByKubeconfig, accessInCluster } from '../../operator/kubernetes/cluster-access.ts';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { startKubeRelay } from '../support/kube-relay.ts';
import { openApi } from '../support/open-api.ts';
import { createScope } from '../support/teardowns.ts';

const scope = createScope();
let kube: KubeApi;
test.before(async () => {
  kube = await startKubeApi(scope);
});
test.after.always(() => scope.close());

const namespace = 'default';
const configMaps = pathOf(resourceTypes.configMaps, { namespace });
const configMap = (name: string) => pathOf(resourceTypes.configMaps, { namespace, name });

async function failure(promise: Promise<unknown>): Promise<Pick<ApiError, 'status' | 'reason'>> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error('it was to fail with an ApiError');
  return { status: error.status, reason: error.reason };
}

test('objects are made, changed, replaced and deleted, and failures say what is wrong', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  const made = await api.create(configMaps, { metadata: { name: 'a' }, data: { x: '1' } });
  const again = api.create(configMaps, { metadata: { name: 'a' } });
  t.deepEqual(await failure(again), { status: 409, reason: 'AlreadyExists' });

  await api.mergePatch(configMap('a'), { data: { x: '2' } });
  const old = api.replace(configMap('a'), { ...made, data: { x: '3' } });
  t.deepEqual(await failure(old), { status: 409, reason: 'Conflict' });
  t.like(await api.get(configMap('a')), { data: { x: '2' } });

  const other = api.delete(configMap('a'), { uid: '00000000-0000-0000-0000-000000000000' });
  t.deepEqual(await failure(other), { status: 409, reason: 'Conflict' });
  await api.delete(configMap('a'), { uid: made.metadata.uid ?? '' });
  t.deepEqual(await failure(api.get(configMap('a'))), { status: 404, reason: 'NotFound' });
});

test('what is applied is ours until we name it no more; what others hold is a conflict unless forced', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  const apply = (manager: string, data: Readonly<Record<string, string>>, force = false) =>
    api.apply(
      configMap('shared'),
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared' }, data },
      { fieldManager: manager, force },
    );
  await apply('one', { a: '1', b: '1' });
  await apply('two', { c: '1' });

  t.deepEqual(await failure(apply('two', { a: '2' })), { status: 409, reason: 'Conflict' });
  t.like(await apply('two', { a: '2' }, true), { data: { a: '2', b: '1' } });
  t.deepEqual((await apply('one', { b: '1' }))['data'], { a: '2', b: '1' });
});

test('a server that is not there is told from one that refuses', async (t) => {
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  const wait = AbortSignal.timeout(300);
  relay.holdRequests();

  t.deepEqual(await failure(api.get(configMaps, wait)), { status: 0, reason: 'Timeout' });
  relay.cut();
  t.like(await api.list(configMaps, {}), { continue: null });
});

test('a kept connection that was closed meanwhile is noticed by nobody', async (t) => {
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const api = await openApi(t, relay.kubeconfig);
  for (let round = 0; round < 20; round += 1) {
    await Promise.all([api.list(configMaps, {}), api.read('/version')]);
    relay.cut();
  }
  t.pass();
});

test('what the server says about a Secret is not repeated', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  const path = pathOf(resourceTypes.secrets, { namespace });
  const data = { password: 'hunter2 is not base64' };

  const error = await t.throwsAsync(api.create(path, { metadata: { name: 'a' }, data }));

  t.is(error?.message, 'POST /api/v1/namespaces/default/secrets: 400 BadRequest');
  t.false(String(error?.stack).includes('hunter2'));
});

test('in a pod the token is read again when it was rotated', async (t) => {
  const { directory, write } = await mountServiceAccount(t);
  const { hostname: host, port } = new URL(kube.url);
  const access = await accessInCluster({ host, port, directory });
  const api = openKubernetesApi({ access });
  t.teardown(() => api[Symbol.asyncDispose]());

  await write('expired');
  t.deepEqual(await failure(api.list(configMaps, {})), { status: 401, reason: 'Unauthorized' });
  await write(kube.token);

  t.like(await api.list(configMaps, {}), { continue: null });
  t.is(api.namespace, 'proxies');
});

test('a kubeconfig without the context that is asked for is refused with its name', async (t) => {
  await t.throwsAsync(accessByKubeconfig(kube.kubeconfig, 'production'), {
    message: /no context "production"/,
  });
});

test('the time of the server is known to the second', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  await api.read('/version');

  t.true(Math.abs(api.now() - Date.now()) < 2000);
});

async function mountServiceAccount(t: ExecutionContext) {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-service-account-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await copyFile(kube.caFile, join(directory, 'ca.crt'));
  await writeFile(join(directory, 'namespace'), 'proxies');
  return { directory, write: (token: string) => writeFile(join(directory, 'token'), token) };
}
