import test from 'ava';
import type { StatusReported } from '../contracts/status.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { append, startOperatorMetrics } from '../test/support/operator-metrics.ts';
import type { OperatorMetrics } from './metrics.ts';

const key = { kind: 'ForwardProxy', namespace: 'team-a', name: 'egress' } as const;

/** What is done, and what must then be shown. */
const cases: ReadonlyArray<readonly [string, (metrics: OperatorMetrics) => void, string, number]> =
  [
    ['leading', (m) => m.leads(7), 'headgate_leader', 1],
    ['an epoch', (m) => m.leads(7), 'headgate_event_log_epoch', 7],
    [
      'a propagation',
      (m) => m.propagated('ForwardProxy', 20),
      'headgate_propagation_seconds_bucket{kind="ForwardProxy",le="0.025"}',
      1,
    ],
    ['an ack', (m) => m.acknowledged('refused'), 'headgate_acks_total{result="refused"}', 1],
    ['how far it is followed', (m) => m.followed(12), 'headgate_event_log_sequence', 12],
    ['a log out of reach', (m) => m.disconnected(), 'headgate_event_log_unreachable', 1],
    ['an append', (m) => m.appended('appended', 4), append('appended'), 1],
    ['a refused append', (m) => m.appended('full', 4), append('full'), 1],
    [
      'how long appends take',
      (m) => m.appended('appended', 500),
      'headgate_event_log_append_duration_seconds_sum',
      0.5,
    ],
    ['the size of the log', (m) => m.eventLogSize(5, 10), 'headgate_event_log_bytes', 5],
    ['its limit', (m) => m.eventLogSize(5, 10), 'headgate_event_log_max_bytes', 10],
    ['a lost history', (m) => m.historyLost(), 'headgate_history_lost_total', 1],
    ['a rebuild', (m) => m.rebuilt(250), 'headgate_projection_rebuild_seconds', 0.25],
    ['the queue', (m) => m.queueDepth(3), 'headgate_queue_depth', 3],
    ['waiting', (m) => m.waitedInQueue(2000), 'headgate_queue_wait_seconds_sum', 2],
    [
      'a reconcile',
      (m) => m.reconciled('ForwardProxy', 1500),
      'headgate_reconcile_duration_seconds_sum{kind="ForwardProxy"}',
      1.5,
    ],
    [
      'a failed reconcile',
      (m) => m.reconcileFailed('log_full'),
      'headgate_reconcile_failures_total{reason="log_full"}',
      1,
    ],
    [
      'a status write',
      (m) => m.statusWritten('ForwardProxy', 'conflict'),
      'headgate_status_writes_total{kind="ForwardProxy",outcome="conflict"}',
      1,
    ],
    [
      'a complete watch',
      (m) => m.watchComplete('Secret', true),
      'headgate_watch_complete{kind="Secret"}',
      1,
    ],
    [
      'a watch that ended',
      (m) => m.watchRestarted('Secret', 'expired'),
      'headgate_watch_restarts_total{kind="Secret",reason="expired"}',
      1,
    ],
    [
      'a request',
      (m) => m.requested('patch', 409, 30),
      'headgate_api_requests_total{verb="patch",code="409"}',
      1,
    ],
    [
      'how long requests take',
      (m) => m.requested('patch', 409, 3000),
      'headgate_api_request_duration_seconds_sum{verb="patch"}',
      3,
    ],
    [
      'an object',
      (m) => m.objectWritten('Deployment', 'applied'),
      'headgate_object_writes_total{kind="Deployment",outcome="applied"}',
      1,
    ],
    [
      'an Event',
      (m) => m.kubernetesEvent('dropped'),
      'headgate_kubernetes_events_total{outcome="dropped"}',
      1,
    ],
  ];

for (const [title, act, series, value] of cases) {
  test(`what an operator shows: ${title}`, async (t) => {
    const { metrics, values } = startOperatorMetrics();
    t.not((await values()).get(series), value);

    act(metrics);

    t.is((await values()).get(series), value);
  });
}

test('what can be told beforehand is there from the start, as zero', async (t) => {
  const { values } = startOperatorMetrics();
  const all = await values();

  for (const series of [
    'headgate_leader',
    'headgate_history_lost_total',
    'headgate_resources{kind="ForwardProxy",state="refused"}',
    'headgate_reconcile_failures_total{reason="internal"}',
    append('unavailable'),
    'headgate_acks_total{result="ignored"}',
    'headgate_propagation_seconds_count{kind="ForwardProxy"}',
  ]) {
    t.is(all.get(series), 0, series);
  }
});

test('an operator shows nothing of pods, and a pod nothing of operators', async (t) => {
  const pod = await createMetrics({ processMetrics: false, roles: ['pod'] }).render();
  const operator = await startOperatorMetrics().shown.render();

  t.true(pod.includes('headgate_applied_sequence') && pod.includes('headgate_log_dropped_total'));
  t.true(operator.includes('headgate_leader') && operator.includes('headgate_log_dropped_total'));
  t.false(pod.includes('headgate_leader'));
  t.false(operator.includes('headgate_applied_sequence'));
});

test('the pods of a pool that is gone are no longer shown', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const counts = { live: 2, silent: 1, refusals: 3 };
  metrics.showPods(new Map([['default', counts]]));
  metrics.showPublished(new Map([['default', 9]]));

  const before = await values();
  t.is(before.get('headgate_pods{pool="default",state="live"}'), 2);
  t.is(before.get('headgate_pods{pool="default",state="silent"}'), 1);
  t.is(before.get('headgate_refusals{pool="default"}'), 3);
  t.is(before.get('headgate_published_sequence{pool="default"}'), 9);

  metrics.showPods(new Map());
  metrics.showPods(new Map([['default', counts]]));
  t.is((await values()).get('headgate_pods{pool="default",state="live"}'), 2, 'back: not twice');

  metrics.showPods(new Map());
  await values();
  t.false((await values()).has('headgate_pods{pool="default",state="live"}'));
});

/** A resource of pool `default` that has a version in force. */
function report(name: string, configVersion: number | null = 1): StatusReported {
  return {
    ...key,
    name,
    uid: name,
    generation: 1,
    createdAt: '2026-11-21T12:00:00.000Z',
    pool: 'default',
    status: {
      observedGeneration: 1,
      configVersion,
      configHash: null,
      lastEvent: null,
      propagation: null,
      conditions: [],
    },
  };
}

test('who no longer leads knows of no resource, no pod and no queue', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  metrics.leads(3);
  metrics.queueDepth(5);
  metrics.reported(report('egress'));
  metrics.reported(report('egress'));
  const pending = 'headgate_resources{kind="ForwardProxy",state="pending"}';
  t.is((await values()).get(pending), 1, 'told twice, it is one');

  metrics.leads(null);

  const after = await values();
  t.is(after.get(pending), 0);
  t.is(after.get('headgate_queue_depth'), 0);
  t.is(after.get('headgate_leader'), 0);
});

test('a log out of reach is shown by who wants to follow it, and by nobody else', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const unreachable = async () => (await values()).get('headgate_event_log_unreachable');
  t.is(await unreachable(), 0);

  metrics.disconnected();
  t.is(await unreachable(), 1);
  metrics.followed(2);
  t.is(await unreachable(), 0);

  metrics.disconnected();
  metrics.notFollowing();
  t.is(await unreachable(), 0);
});

test('a pool whose last pod is gone is shown with none, for as long as it has something to serve', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const live = 'headgate_pods{pool="default",state="live"}';
  metrics.reported(report('nothing-to-serve', null));
  metrics.showPods(new Map());
  t.false((await values()).has(live));

  metrics.reported(report('egress'));
  metrics.showPods(new Map());
  t.is((await values()).get(live), 0);

  metrics.removed(key);
  metrics.showPods(new Map());
  await values();
  t.false((await values()).has(live));
});
