import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { Condition } from '../../contracts/conditions.ts';
import type { ResourceStatus, StatusReported } from '../../contracts/status.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { startKubeRelay } from '../support/kube-relay.ts';
import {
  keyOf,
  openSource,
  proxyManifest,
  type SourceWorld,
} from '../support/kubernetes-source.ts';
import { openApi } from '../support/open-api.ts';
import { createScope } from '../support/teardowns.ts';

/** One API server for all that leave it alone; each in a namespace of its own. */
const scope = createScope();
let kube: KubeApi;
test.before(async () => {
  kube = await startKubeApi(scope, { crds: true });
});
test.after.always(() => scope.close());

const time = '2026-01-01T00:00:00.000Z';
const condition = (
  type: Condition['type'],
  status: Condition['status'] = 'True',
  message = '',
): Condition => ({
  ...{ type, status, message },
  reason: type,
  observedGeneration: 1,
  lastTransitionTime: time,
});

const plain: ResourceStatus = {
  observedGeneration: 1,
  configVersion: 42,
  configHash: 'x',
  lastEvent: { id: '1', seq: 42, time, type: 'dev.headgate.x.v1', by: null },
  propagation: {
    ...{ generation: 1, state: 'Partial', publishedAt: time, completedAt: null },
    ...{ desired: 2, acked: 1, nacked: 0, unreachable: 0 },
    ...{ first: 1.5, p50: null, p99: null, max: null },
    lagging: [{ pod: 'a', version: 41, since: time, error: null }],
  },
  conditions: [condition('Accepted'), condition('Programmed')],
};

type World = SourceWorld & {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly uid: string;
  /** Answers how many were put off. */
  write(status: ResourceStatus, uid?: string): Promise<number>;
  stands(): ResourceStatus | null;
};

/** A proxy `egress` of its own, and a source that may write. */
async function startWorld(
  t: ExecutionContext,
  options: Parameters<typeof openSource>[2] & {
    readonly kubeconfig?: string;
    readonly wrap?: (api: KubernetesApi) => KubernetesApi;
  } = {},
): Promise<World> {
  const { kubeconfig = kube.kubeconfig, wrap = (api) => api, ...more } = options;
  const namespace = `team-${randomUUID()}`;
  await kube.kubectl('create', 'namespace', namespace);
  const api = wrap(await openApi(t, kubeconfig));
  const world = await openSource(t, api, more);
  const uid = await makeProxy(world, namespace);
  const { statuses } = world.source;
  if (statuses === null) throw new Error('there is no store');
  return {
    ...world,
    ...{ api, namespace, uid },
    stands: () => statuses.read(keyOf(namespace, 'egress'), uid),
    async write(status, of = uid) {
      const report = reportOf(namespace, of, status);
      return (await statuses.write([report], AbortSignal.timeout(30_000))).length;
    },
  };
}

async function makeProxy({ told, source }: SourceWorld, namespace: string): Promise<string> {
  await kube.apply(proxyManifest(namespace, 'egress'));
  await told.next(`resource ${namespace}/egress`);
  return source.read(keyOf(namespace, 'egress'))?.uid ?? '';
}

function reportOf(namespace: string, uid: string, status: ResourceStatus): StatusReported {
  const key = keyOf(namespace, 'egress');
  return { ...key, uid, generation: 1, createdAt: time, pool: 'default', status };
}

const asStored = (namespace: string, what: string) =>
  kube.kubectl('get', 'fp', 'egress', '--namespace', namespace, '-o', `jsonpath=${what}`);

test('what was written is what stands there, at once and for everybody', async (t) => {
  const { write, stands, namespace, writes } = await startWorld(t);

  t.is(await write(plain), 0);

  t.deepEqual(stands(), plain);
  t.is(await asStored(namespace, '{.status.configVersion}'), '42');
  t.is(await asStored(namespace, '{.status.propagation.acked}'), '1');
  t.deepEqual(writes, ['written']);
});

test('a condition that is named no more is gone, and one of somebody else stays', async (t) => {
  const { write, namespace, stands } = await startWorld(t);
  await write({ ...plain, conditions: [...plain.conditions, condition('Stalled')] });
  const theirs = { ...condition('Accepted'), type: 'team-a.example/Reviewed' };
  const manifest = { status: { conditions: [theirs] } };
  const { status } = await kube.request(
    'PATCH',
    `/apis/headgate.dev/v1alpha1/namespaces/${namespace}/forwardproxies/egress/status?fieldManager=team-a`,
    JSON.stringify({
      apiVersion: 'headgate.dev/v1alpha1',
      kind: 'ForwardProxy',
      metadata: { name: 'egress' },
      ...manifest,
    }),
    'application/apply-patch+yaml',
  );
  t.is(status, 200);

  await write(plain);

  const types = (await asStored(namespace, '{.status.conditions[*].type}')).split(' ');
  t.deepEqual(types.sort(), ['Accepted', 'Programmed', 'team-a.example/Reviewed']);
  t.deepEqual(stands()?.conditions.length, 3);
});

test('what stands there already is not written again', async (t) => {
  const { write, writes, namespace } = await startWorld(t);
  await write(plain);
  const before = await asStored(namespace, '{.metadata.resourceVersion}');

  await write(plain);
  await write({ ...plain, conditions: plain.conditions.toReversed() });

  t.deepEqual(writes, ['written']);
  t.is(await asStored(namespace, '{.metadata.resourceVersion}'), before);
});

test('a status is not news to the operator that wrote it, but one that somebody spoilt is', async (t) => {
  const { write, told, namespace, stands } = await startWorld(t);
  await write(plain);
  const label = ['label', 'fp', 'egress', 'seen=1', '--namespace', namespace];
  await kube.kubectl(...label);
  await told.next(`resource ${namespace}/egress`);
  t.is(told.all.filter((line) => line === `resource ${namespace}/egress`).length, 2);

  const spoilt = ['patch', 'fp', 'egress', '--subresource=status', '--type=merge'];
  const patch = JSON.stringify({ status: { configVersion: 1 } });
  await kube.kubectl(...spoilt, '--namespace', namespace, `--patch=${patch}`);
  await told.next(`resource ${namespace}/egress`);
  t.is(stands()?.configVersion, 1);

  await write(plain);
  t.is(await asStored(namespace, '{.status.configVersion}'), '42');
});

test('a spec that is edited meanwhile keeps the status from nobody', async (t) => {
  const { write, namespace, api, writes } = await startWorld(t);
  const path = `/apis/headgate.dev/v1alpha1/namespaces/${namespace}/forwardproxies/egress`;
  await write(plain);

  // Each of them makes the version that is known here an old one.
  for (const seen of ['1', '2', '3']) {
    await api.mergePatch(path, { metadata: { labels: { seen } } });
    t.is(await write({ ...plain, configVersion: 42 + Number(seen) }), 0);
  }

  t.is(await asStored(namespace, '{.status.configVersion}'), '45');
  t.is(writes.filter((outcome) => outcome === 'written').length, 4);
});

test('a resource that was made again never gets the status of the one before, even before the watch knows', async (t) => {
  const deaf = createDeafness();
  const { write, namespace, uid, source } = await startWorld(t, { wrap: deaf.wrap });
  await write(plain);
  deaf.begin();
  await kube.kubectl('delete', 'fp', 'egress', '--namespace', namespace);
  await kube.apply(proxyManifest(namespace, 'egress'));
  t.is(source.read(keyOf(namespace, 'egress'))?.uid, uid, 'nobody has told us');

  t.is(await write({ ...plain, configVersion: 43 }), 0, 'there is nothing left to do');

  t.is(await asStored(namespace, '{.status}'), '');
  t.not(await asStored(namespace, '{.metadata.uid}'), uid);
});

/** An API whose watches tell nothing any more, as a slow network may. */
function createDeafness() {
  let deaf = false;
  return {
    begin() {
      deaf = true;
    },
    wrap: (api: KubernetesApi): KubernetesApi => ({
      ...api,
      async *watch(path, query, signal) {
        for await (const event of api.watch(path, query, signal)) if (!deaf) yield event;
      },
    }),
  };
}

test('a resource that is gone needs no status', async (t) => {
  const { write, namespace } = await startWorld(t);
  await kube.kubectl('delete', 'fp', 'egress', '--namespace', namespace);

  t.is(await write(plain), 0);
});

test('who no longer leads writes nothing', async (t) => {
  let leads = true;
  const { write, namespace, writes } = await startWorld(t, { mayWrite: () => leads });
  leads = false;

  t.is(await write(plain), 1);

  t.is(await asStored(namespace, '{.status}'), '');
  t.deepEqual(writes, []);
});

test('what could not be written is answered, and can be written later', async (t) => {
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const { write, writes, namespace } = await startWorld(t, { kubeconfig: relay.kubeconfig });
  await write(plain);

  relay.holdRequests();
  t.is(await write({ ...plain, configVersion: 43 }), 1);
  relay.cut();
  t.is(await write({ ...plain, configVersion: 44 }), 0);

  t.deepEqual(writes, ['written', 'failed', 'written']);
  t.is(await asStored(namespace, '{.status.configVersion}'), '44');
});

test('a message longer than anybody reads is cut, and not written again for that', async (t) => {
  const { write, writes, stands } = await startWorld(t);
  const long = { ...plain, conditions: [condition('Accepted', 'False', 'ü'.repeat(40_000))] };

  t.is(await write(long), 0);
  t.is(await write(long), 0);

  t.deepEqual(writes, ['written']);
  t.regex(stands()?.conditions[0]?.message ?? '', /^ü{500,}…$/);
});
