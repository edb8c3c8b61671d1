import test from 'ava';
import { startKubeApi } from '../support/kube-api.ts';

test('an API server of its own answers, is killed and comes back with the same objects', async (t) => {
  const api = await startKubeApi(t, { crds: true });
  await api.kubectl('create', 'namespace', 'shop');
  const before = await api.request('GET', '/api/v1/namespaces/shop');

  await api.kill();
  await t.throwsAsync(api.request('GET', '/readyz'), { code: 'ECONNREFUSED' });
  await api.start();

  const after = await api.request('GET', '/api/v1/namespaces/shop');
  t.is(after.status, 200);
  t.is(JSON.parse(after.body).metadata.uid, JSON.parse(before.body).metadata.uid);
  t.regex(await api.kubectl('api-resources'), /forwardproxies/);
});

test('an API server with controllers ends namespaces and lets a ServiceAccount do what RBAC allows', async (t) => {
  const api = await startKubeApi(t, { controllers: true });
  await api.kubectl('create', 'namespace', 'shop');
  await api.kubectl('wait', '--for=create', 'serviceaccount/default', '--namespace=shop');
  const mayRead = ['create', 'rolebinding', 'view', '--clusterrole=view'];
  const aggregated = ['--for=jsonpath={.rules}', 'clusterrole/view'];
  await api.kubectl('wait', ...aggregated);
  await api.kubectl(...mayRead, '--serviceaccount=shop:default', '--namespace=shop');

  const kubeconfig = await api.kubeconfigOf('shop', 'default');
  const as = ['--kubeconfig', kubeconfig, '--namespace=shop'];
  const read = await api.tryKubectl([...as, 'get', 'configmaps']);
  const write = await api.tryKubectl([...as, 'create', 'configmap', 'mine']);

  t.is(read.code, 0, read.stderr);
  t.regex(write.stderr, /Forbidden|forbidden/);
  await api.kubectl('delete', 'namespace', 'shop', '--timeout=60s');
  t.is((await api.request('GET', '/api/v1/namespaces/shop')).status, 404);
});
