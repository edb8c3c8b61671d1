import test, { type ExecutionContext } from 'ava';
import type { ResourceStatus, StatusReported } from '../../contracts/status.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import { createEventRecorder } from '../../operator/kubernetes/kubernetes-events.ts';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { silentLog } from '../../runtime/log.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { openApi } from '../support/open-api.ts';
import { createScope } from '../support/teardowns.ts';

const scope = createScope();
let kube: KubeApi;
test.before(async () => {
  kube = await startKubeApi(scope);
});
test.after.always(() => scope.close());

const time = '2026-01-01T00:00:00.000Z';

function report(name: string, version: number): StatusReported {
  const status: ResourceStatus = {
    observedGeneration: 1,
    configVersion: version,
    configHash: 'x',
    lastEvent: { id: '1', seq: version, time, type: 't', by: 'argocd' },
    propagation: null,
    conditions: [],
  };
  const key = { kind: 'ForwardProxy', namespace: 'default', name } as const;
  return { ...key, uid: `uid-of-${name}`, generation: 1, createdAt: time, pool: 'default', status };
}

function startRecorder(t: ExecutionContext, api: KubernetesApi, seriesMs = 10_000) {
  const outcomes: string[] = [];
  let wake = Promise.withResolvers<void>();
  const recorder = createEventRecorder({
    api,
    pod: { namespace: 'default', name: 'headgate-operator-1' },
    statusBefore: () => null,
    mayWrite: () => true,
    onOutcome(outcome) {
      outcomes.push(outcome);
      wake.resolve();
    },
    log: silentLog,
    limits: {
      perObject: { atOnce: 3, perSecond: 0 },
      perType: { atOnce: 8, perSecond: 0 },
      seriesMs,
    },
  });
  t.teardown(() => recorder[Symbol.asyncDispose]());
  async function settled(count: number): Promise<void> {
    while (outcomes.length < count) {
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  }
  return { recorder, outcomes, settled };
}

async function eventsOf(api: KubernetesApi, name: string) {
  const path = pathOf(resourceTypes.events, { namespace: 'default' });
  const { items } = await api.list(path, { fieldSelector: `regarding.name=${name}` });
  return items;
}

test('what becomes of a resource is told in Events that kubectl shows', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  const { recorder, settled } = startRecorder(t, api);

  recorder.report(report('told', 42));
  recorder.historyLost(7);
  await settled(2);

  const [event] = await eventsOf(api, 'told');
  t.like(event, {
    type: 'Normal',
    reason: 'Configured',
    note: 'version 42 recorded by argocd',
    reportingController: 'headgate.dev/operator',
    reportingInstance: 'headgate-operator-1',
    regarding: { kind: 'ForwardProxy', namespace: 'default', name: 'told', uid: 'uid-of-told' },
  });
  t.regex(await kube.kubectl('events', '--for', 'pod/headgate-operator-1'), /HistoryLost/);
});

test('a resource that flaps is counted in a series and floods nobody', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  const { recorder, outcomes, settled } = startRecorder(t, api, 1);

  for (let version = 1; version <= 50; version += 1) recorder.report(report('flapping', version));
  await settled(4);

  t.deepEqual(outcomes, ['emitted', 'emitted', 'emitted', 'emitted']);
  const events = await eventsOf(api, 'flapping');
  t.is(events.length, 3);
  t.true(events.some(({ series }) => JSON.stringify(series)?.includes('"count":48')));
});

test('when very much happens at once some of it is not told, and that is counted', async (t) => {
  const api = await openApi(t, kube.kubeconfig);
  const { recorder, outcomes, settled } = startRecorder(t, api);

  for (let each = 0; each < 20; each += 1) recorder.report(report(`many-${each}`, 1));
  await settled(20);

  t.is(outcomes.filter((outcome) => outcome === 'emitted').length, 8);
  t.is(outcomes.filter((outcome) => outcome === 'dropped').length, 12);
});
