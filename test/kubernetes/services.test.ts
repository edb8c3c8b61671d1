import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { openSource } from '../support/kubernetes-source.ts';
import { openApi } from '../support/open-api.ts';
import { createScope } from '../support/teardowns.ts';

/** One API server for all; each in a namespace of its own. Nobody makes EndpointSlices but the tests. */
const scope = createScope();
let shared: KubeApi;
test.before(async () => {
  shared = await startKubeApi(scope, { crds: true });
});
test.after.always(() => scope.close());

type World = Awaited<ReturnType<typeof openWorld>>;

async function openWorld(t: ExecutionContext) {
  const namespace = `team-${randomUUID()}`;
  await shared.kubectl('create', 'namespace', namespace);
  const { source, told } = await openSource(t, await openApi(t, shared.kubeconfig));
  const apply = (object: object) => shared.apply(JSON.stringify(object));
  return {
    namespace,
    source,
    told,
    applyService: (spec: object) =>
      apply({ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name: 'shop' }, spec }),
    applySlice: (name: string, addresses: readonly string[], ready = true) =>
      apply({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { namespace, name, labels: { 'kubernetes.io/service-name': 'shop' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready } })),
      }),
  };
}

const http = { clusterIP: 'None', ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
const leadingTo = (...addresses: readonly string[]) => ({
  found: true,
  ports: [{ port: 80, endpoints: addresses.map((address) => ({ address, port: 8080 })) }],
});

/** Reads again after each word of it until it is as expected. */
async function untilRead({ source, told, namespace }: World, expected: object): Promise<void> {
  for (;;) {
    const observed = await source.readService(namespace, 'shop');
    if (JSON.stringify(observed) === JSON.stringify(expected)) return;
    await told.next(`service ${namespace}/shop`);
  }
}

test('a Service is read with all its EndpointSlices, and what changes is told', async (t) => {
  const world = await openWorld(t);
  const { source, namespace, applyService, applySlice } = world;
  t.deepEqual(await source.readService(namespace, 'shop'), {
    found: false,
    message: `there is no Service ${namespace}/shop`,
  });

  await applyService(http);
  await untilRead(world, leadingTo());
  await applySlice('one', ['10.0.0.1', '10.0.0.2']);
  await applySlice('two', ['10.0.0.9']);
  await untilRead(world, leadingTo('10.0.0.1', '10.0.0.2', '10.0.0.9'));

  await applySlice('one', ['10.0.0.2']);
  await untilRead(world, leadingTo('10.0.0.2', '10.0.0.9'));
  await applySlice('two', ['10.0.0.9'], false);
  await untilRead(world, leadingTo('10.0.0.2'));
  await shared.kubectl('delete', 'endpointslice', 'one', '--namespace', namespace);
  await untilRead(world, leadingTo());

  t.pass();
});

test('a Service of type ExternalName is refused with what to write instead', async (t) => {
  const world = await openWorld(t);

  await world.applyService({ type: 'ExternalName', externalName: 'shop.example' });

  const observed = await world.source.readService(world.namespace, 'shop');
  t.false(observed.found);
  t.regex('message' in observed ? observed.message : '', /ExternalName .*: write its name as url$/);
});

test('without the right to read Services it is said which is missing, and that nobody knows who serves it', async (t) => {
  const { namespace } = await openWorld(t);
  await shared.kubectl('create', 'serviceaccount', 'operator', '--namespace', namespace);
  const all =
    'namespaces,configmaps,services,customresourcedefinitions.apiextensions.k8s.io,forwardproxies.headgate.dev,mirrorroutes.headgate.dev';
  await shared.kubectl(
    ...['create', 'clusterrole', namespace, '--verb=get,list,watch', `--resource=${all}`],
  );
  await shared.kubectl(
    ...['create', 'clusterrolebinding', namespace, '--clusterrole', namespace],
    `--serviceaccount=${namespace}:operator`,
  );
  const api = await openApi(t, await shared.kubeconfigOf(namespace, 'operator'));
  const { source } = await openSource(t, api);

  t.deepEqual(await source.readService(namespace, 'shop'), {
    found: false,
    forbidden: true,
    message: `Headgate may not read Service ${namespace}/shop: its ServiceAccount needs list and watch of services and endpointslices in namespace ${namespace}`,
  });
});
