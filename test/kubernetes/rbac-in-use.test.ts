import test from 'ava';
import { App, Yaml } from 'cdk8s';
import { Headgate } from '../../cdk8s/constructs.ts';
import type { HeadgateProps } from '../../cdk8s/install.ts';
import { openKubernetesSource } from '../../operator/kubernetes/kubernetes-source.ts';
import { createLeadership } from '../../operator/kubernetes/leadership.ts';
import { createValidator } from '../../operator/schema/validator.ts';
import { silentLog } from '../../runtime/log.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { openApi } from '../support/open-api.ts';
import { placed, startPlacementWorld } from '../support/placement-world.ts';
import type { Scope } from '../support/teardowns.ts';

const namespace = 'headgate-system';
const key = { kind: 'ForwardProxy', namespace: 'default', name: 'egress' } as const;

const egress = `
apiVersion: headgate.dev/v1alpha1
kind: ForwardProxy
metadata: {name: egress, namespace: default}
spec: {listeners: [{name: all}]}
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: default}
stringData: {auth: "alice:x"}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec: {clusterIP: None, ports: [{port: 80}]}
`;

test('with its rights the operator leads, reads resources, Secrets and Services, and writes status', async (t) => {
  const kube = await startKubeApi(t);
  const kubeconfig = await install(kube);
  await kube.apply(egress);
  const api = await openApi(t, kubeconfig);
  const source = await openSource(t, kubeconfig);

  const leadership = createLeadership({ api, namespace, identity: 'one', log: silentLog });
  const tenure = await leadership.acquire(ending(t));
  await source.synced;
  const observed = source.read(key);
  const secret = await source.readSecret('default', 'users');
  const service = await source.readService('default', 'shop');
  const reference = { from: 'team-a', namespace: 'default', name: 'shop' };
  const refused = await source.refuseReference({ kind: 'MirrorRoute', ...reference });
  const uid = observed?.uid ?? '';
  const unwritten = await source.statuses?.write([report(uid)], ending(t));
  await tenure.release();

  t.like(observed, { valid: true, generation: 1 });
  t.deepEqual(secret, { found: true, fields: { auth: 'alice:x' } });
  t.deepEqual(service, { found: true, ports: [{ port: 80, endpoints: [] }] });
  t.regex(refused?.message ?? '', /this cluster has no ReferenceGrants/);
  t.deepEqual(unwritten, []);
  t.true(source.list().complete);
  const [status, holder] = await Promise.all([
    kube.kubectl('get', 'fp', 'egress', '-o', 'jsonpath={.status.observedGeneration}'),
    kube.kubectl('get', 'lease', '-n', namespace, '-o', 'name'),
  ]);
  t.is(status, '1');
  t.regex(holder, /headgate-operator/);
});

test('with its rights the operator makes what pools need, corrects it and removes it', async (t) => {
  const kube = await startKubeApi(t);
  const kubeconfig = await install(kube);
  const world = await startPlacementWorld(t, kube, { namespace, kubeconfig });
  const service = 'service/fp-team-a-egress';

  world.placement.place(placed('egress'));
  world.placement.complete();
  await world.made(service);
  await world.made('deployment/headgate-pool-default');
  await world.kubectl('delete', service);
  await world.made(service);
  world.placement.displace(placed('egress').key);
  await world.gone(service);

  t.deepEqual(world.problems, []);
  t.true(world.writes.includes('Service deleted'));
  t.false(world.writes.some((write) => write.endsWith('failed')));
});

test('a Secret in a namespace that is not listed cannot be had, and no other is affected', async (t) => {
  const kube = await startKubeApi(t);
  await kube.kubectl('create', 'namespace', 'team-a');
  await kube.kubectl('create', 'secret', 'generic', 'users', '--namespace=team-a');
  const kubeconfig = await install(kube, { secretNamespaces: ['default'] });
  await kube.apply(egress);
  const source = await openSource(t, kubeconfig);

  const [elsewhere, here] = await Promise.all([
    source.readSecret('team-a', 'users'),
    source.readSecret('default', 'users'),
  ]);

  t.like(here, { found: true });
  t.is(elsewhere.found, false);
  t.regex('message' in elsewhere ? elsewhere.message : '', /may not read Secret team-a\/users/);
});

/** Applies the installation; answers a kubeconfig of its operator. */
async function install(kube: KubeApi, props: HeadgateProps = {}): Promise<string> {
  const chart = new Headgate(new App(), 'headgate', props);
  await kube.apply(Yaml.stringify(...chart.toJson()));
  await kube.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  return kube.kubeconfigOf(namespace, 'headgate-operator');
}

async function openSource(t: Scope, kubeconfig: string) {
  const source = await openKubernetesSource({
    api: await openApi(t, kubeconfig),
    namespace,
    validator: createValidator(),
    mayWrite: () => true,
    meters: {
      watchComplete: () => undefined,
      watchRestarted: () => undefined,
      statusWritten: () => undefined,
    },
    log: silentLog,
    signal: ending(t),
  });
  t.teardown(() => source[Symbol.asyncDispose]());
  return source;
}

function ending(t: Scope): AbortSignal {
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  return ended.signal;
}

function report(uid: string) {
  const status = {
    observedGeneration: 1,
    configVersion: null,
    configHash: null,
    lastEvent: null,
    propagation: null,
    conditions: [],
  };
  return { ...key, uid, generation: 1, createdAt: '2026-01-01T00:00:00Z', pool: 'default', status };
}
