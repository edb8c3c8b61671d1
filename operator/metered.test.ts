import test from 'ava';
import { append, startOperatorMetrics } from '../test/support/operator-metrics.ts';
import { isProgrammed, openWorld, summarise } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

test('a system at work: who leads, what is in force, how far pods are, how long it took', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const world = await openWorld(t);
  const operator = world.operate(undefined, { metrics });
  world.startPod();
  operator.source.put('one', { listeners: [{ name: 'all', port: 3128, address: '127.0.0.1' }] });
  operator.source.put('bad', { listeners: [] });
  await operator.status('one', isProgrammed);
  await operator.called('ready');

  const all = await values();

  t.is(all.get('headgate_leader'), 1);
  t.is(all.get('headgate_event_log_unreachable'), 0);
  t.is(all.get('headgate_resources{kind="ForwardProxy",state="programmed"}'), 1);
  t.is(all.get('headgate_resources{kind="ForwardProxy",state="refused"}'), 1);
  t.is(all.get('headgate_propagation_seconds_count{kind="ForwardProxy"}'), 1);
  const published = all.get('headgate_published_sequence{pool="default"}') ?? 0;
  t.is(published, Math.max(...(await world.entries()).map(configSequence)));
  t.true((all.get('headgate_event_log_sequence') ?? 0) >= published);
  t.true((all.get(append('appended')) ?? 0) > 0);
  t.true((all.get('headgate_acks_total{result="applied"}') ?? 0) > 0);
  t.true((all.get('headgate_projection_rebuild_seconds') ?? 0) > 0);

  operator.source.remove('one');
  await operator.called('removed one');
  t.is((await values()).get('headgate_resources{kind="ForwardProxy",state="programmed"}'), 0);

  await operator.stop();
  t.is((await values()).get('headgate_leader'), 0);
});

const listenOn = (port: number, allowedClientCIDRs = ['127.0.0.0/8']) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1', allowedClientCIDRs }],
});

test('a system in trouble: a pod refuses, the history was lost', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const world = await openWorld(t);
  const operator = world.operate(undefined, { metrics, knownSequence: 1000 });
  operator.source.put('one', listenOn(80));
  world.startPod('pod-1', ({ sequence, event, subject }) =>
    event.type.includes('configured')
      ? {
          resource: 'ForwardProxy/team-a/one',
          sequence,
          reason: 'PortUnavailable',
          code: 'proxy_configuration_error',
          message: `${subject}: permission denied`,
        }
      : null,
  );

  await operator.status('one', (summary) => summary.includes('PortUnavailable'));
  await operator.called('published 1, history lost');

  const all = await values();
  t.is(all.get('headgate_history_lost_total'), 1);
  t.is(all.get('headgate_resources{kind="ForwardProxy",state="degraded"}'), 1);
  t.is(all.get('headgate_propagation_seconds_count{kind="ForwardProxy"}'), 0);
  t.true((all.get('headgate_acks_total{result="refused"}') ?? 0) > 0);
});

test('a system in trouble: the log is full', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const world = await openWorld(t, { maxBytes: 40_000 });
  const operator = world.operate(undefined, { metrics });
  const cidrs = Array.from({ length: 64 }, (_, index) => `10.${index}.0.0/16`);
  for (let port = 4000; ; port += 1) {
    const from = operator.statuses.length;
    operator.source.put('one', listenOn(port, cidrs));
    const report = await operator.status('one', () => true, from);
    if (summarise(report).includes('LogFull')) break;
  }

  const all = await values();
  t.true((all.get(append('full')) ?? 0) > 0);
  t.true((all.get('headgate_reconcile_failures_total{reason="log_full"}') ?? 0) > 0);
});

test('what had arrived before an operator began is no propagation of its time', async (t) => {
  const { metrics, values } = startOperatorMetrics();
  const world = await openWorld(t);
  const source = createTableSource();
  source.put('one', { listeners: [{ name: 'all', port: 3128, address: '127.0.0.1' }] });
  world.startPod();
  const first = world.operate(source);
  await first.status('one', isProgrammed);
  await first.called('ready');
  await first.stop();

  const again = createTableSource();
  again.put('one', { listeners: [{ name: 'all', port: 3128, address: '127.0.0.1' }] });
  const second = world.operate(again, { metrics });
  await second.called('ready');

  const all = await values();
  t.is(all.get('headgate_resources{kind="ForwardProxy",state="programmed"}'), 1);
  t.is(all.get('headgate_propagation_seconds_count{kind="ForwardProxy"}'), 0);
});

function configSequence({ sequence, subject }: { sequence: number; subject: string }): number {
  return subject.includes('.config.') ? sequence : 0;
}
