import test from 'ava';
import { metrics as table } from '../contracts/metric-names.ts';
import { createMeter, type Meter } from './count.ts';
import { createMetrics, type Metrics } from './metrics.ts';

const resource = 'team-a/egress';

/** The rendered lines of one metric, without its help. */
async function rendered(metrics: Metrics, name: keyof typeof table): Promise<readonly string[]> {
  const lines = (await metrics.render()).split('\n');
  return lines.filter((line) => line.startsWith(name) && !line.startsWith('#'));
}

function start(threads = 1): { metrics: Metrics; meters: readonly Meter[] } {
  const metrics = createMetrics({ processMetrics: false });
  const meters = Array.from({ length: threads }, (_, thread) =>
    createMeter((message) => metrics.receive(thread, message)),
  );
  return { metrics, meters };
}

const aMeter = ({ meters: [meter] }: { meters: readonly Meter[] }): Meter => {
  if (meter === undefined) throw new Error('no meter');
  return meter;
};

test('what all threads counted is one number per label set', async (t) => {
  const { metrics, meters } = start(2);
  for (const meter of meters) {
    meter.cell('headgate_forward_proxy_tunnels_ended_total', { resource, reason: 'done' }).add(2);
    meter.cell('headgate_tunnels', { resource, relay: 'stream' }).add(1.5);
  }
  const [first] = meters;
  first?.cell('headgate_forward_proxy_tunnels_ended_total', { resource, reason: 'idle' }).add(1);

  t.deepEqual(await rendered(metrics, 'headgate_forward_proxy_tunnels_ended_total'), [
    'headgate_forward_proxy_tunnels_ended_total{resource="team-a/egress",reason="done"} 4',
    'headgate_forward_proxy_tunnels_ended_total{resource="team-a/egress",reason="idle"} 1',
  ]);
  t.deepEqual(await rendered(metrics, 'headgate_tunnels'), [
    'headgate_tunnels{resource="team-a/egress",relay="stream"} 3',
  ]);
});

test('labels are told apart by their names, whatever order they are written in', async (t) => {
  const started = start();
  const meter = aMeter(started);
  meter.cell('headgate_tunnels', { resource: 'a', relay: 'b' }).add(1);
  meter.cell('headgate_tunnels', { relay: 'b', resource: 'a' }).add(1);
  meter.cell('headgate_tunnels', { relay: 'a', resource: 'b' }).add(5);

  t.deepEqual(await rendered(started.metrics, 'headgate_tunnels'), [
    'headgate_tunnels{resource="a",relay="b"} 2',
    'headgate_tunnels{relay="a",resource="b"} 5',
  ]);
});

test('scraping changes nothing', async (t) => {
  const started = start();
  aMeter(started).cell('headgate_worker_restarts_total', {}).add(1);
  const name = 'headgate_worker_restarts_total';

  t.deepEqual(await rendered(started.metrics, name), [`${name} 1`]);
  t.deepEqual(await rendered(started.metrics, name), [`${name} 1`]);
});

test('a gauge is what it was set to last', async (t) => {
  const started = start();
  const gauge = aMeter(started).cell('headgate_applied_sequence', { pool: 'default' });
  gauge.set(41);
  gauge.set(42);

  t.deepEqual(await rendered(started.metrics, 'headgate_applied_sequence'), [
    'headgate_applied_sequence{pool="default"} 42',
  ]);
});

test('a histogram counts each value once, in every bucket that holds it', async (t) => {
  const { metrics, meters } = start(2);
  const name = 'headgate_forward_proxy_tunnel_duration_seconds';
  for (const meter of meters) {
    const seconds = meter.histogram(name, { resource });
    for (const value of [0.05, 0.1, 0.2, 100_000]) seconds.observe(value);
  }

  const label = 'resource="team-a/egress"';
  t.deepEqual(await rendered(metrics, name), [
    `${name}_bucket{${label},le="0.1"} 4`,
    `${name}_bucket{${label},le="1"} 6`,
    `${name}_bucket{${label},le="5"} 6`,
    `${name}_bucket{${label},le="15"} 6`,
    `${name}_bucket{${label},le="60"} 6`,
    `${name}_bucket{${label},le="300"} 6`,
    `${name}_bucket{${label},le="900"} 6`,
    `${name}_bucket{${label},le="3600"} 6`,
    `${name}_bucket{${label},le="14400"} 6`,
    `${name}_bucket{${label},le="86400"} 6`,
    `${name}_bucket{${label},le="+Inf"} 8`,
    `${name}_sum{${label}} 200000.7`,
    `${name}_count{${label}} 8`,
  ]);
});

test('a histogram without labels is one too', async (t) => {
  const started = start();
  aMeter(started).histogram('headgate_dns_lookup_duration_seconds', {}).observe(0.003);
  const lines = await rendered(started.metrics, 'headgate_dns_lookup_duration_seconds');

  t.true(lines.includes('headgate_dns_lookup_duration_seconds_bucket{le="0.0025"} 0'));
  t.true(lines.includes('headgate_dns_lookup_duration_seconds_bucket{le="0.005"} 1'));
  t.is(lines.at(-1), 'headgate_dns_lookup_duration_seconds_count 1');
});

test('every metric says its help and type, with or without a value', async (t) => {
  const text = await start().metrics.render();

  for (const [name, { type, help }] of Object.entries(table)) {
    t.true(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
  }
});

test('what a client chose cannot end a line', async (t) => {
  const started = start();
  const host = 'a"b\\c\nd';
  aMeter(started).cell('headgate_forward_proxy_requests_by_host_total', { resource, host }).add(1);

  t.deepEqual(await rendered(started.metrics, 'headgate_forward_proxy_requests_by_host_total'), [
    'headgate_forward_proxy_requests_by_host_total{resource="team-a/egress",host="a\\"b\\\\c\\nd"} 1',
  ]);
});

test('the same labels are one cell, however many there are', async (t) => {
  const started = start();
  const meter = aMeter(started);
  const name = 'headgate_forward_proxy_requests_by_client_total';
  for (let round = 0; round < 2; round++) {
    for (let client = 0; client < 1100; client++) {
      meter.cell(name, { resource, client: String(client) }).add(1);
    }
  }
  const lines = await rendered(started.metrics, name);

  t.is(lines.length, 1100, 'more than a page holds');
  t.true(lines.every((line) => line.endsWith(' 2')));
});

test('what was counted in a closed scope is shown once more, then gone; others stay', async (t) => {
  const started = start();
  const meter = aMeter(started);
  const name = 'headgate_forward_proxy_bytes_total';
  const [gone, kept] = [meter.scope(), meter.scope()];
  gone.cell(name, { resource: 'a/gone', direction: 'sent' }).add(1);
  kept.cell(name, { resource: 'a/kept', direction: 'sent' }).add(1);

  gone.close();

  t.deepEqual(await rendered(started.metrics, name), [
    `${name}{resource="a/gone",direction="sent"} 1`,
    `${name}{resource="a/kept",direction="sent"} 1`,
  ]);
  t.deepEqual(await rendered(started.metrics, name), [
    `${name}{resource="a/kept",direction="sent"} 1`,
  ]);
});

test('gauges of a closed scope are gone at once: one that is back is not counted twice', async (t) => {
  const started = start();
  const meter = aMeter(started);
  const name = 'headgate_forward_proxy_connections';
  const [gone, kept] = [meter.scope(), meter.scope()];
  gone.cell(name, { resource: 'a/back' }).set(5);
  kept.cell(name, { resource: 'a/kept' }).set(1);

  gone.close();
  t.deepEqual(await rendered(started.metrics, name), [`${name}{resource="a/kept"} 1`]);

  const again = meter.scope();
  again.cell(name, { resource: 'a/back' }).set(5);
  again.close();
  meter.scope().cell(name, { resource: 'a/back' }).set(7);
  t.deepEqual(await rendered(started.metrics, name), [
    `${name}{resource="a/kept"} 1`,
    `${name}{resource="a/back"} 7`,
  ]);
});

test('a resource that comes back starts from nothing', async (t) => {
  const started = start();
  const meter = aMeter(started);
  const name = 'headgate_forward_proxy_bytes_total';
  const labels = { resource, direction: 'sent' };
  const first = meter.scope();
  first.cell(name, labels).add(10);
  first.close();
  await started.metrics.render();

  meter.scope().cell(name, labels).add(1);

  t.deepEqual(await rendered(started.metrics, name), [
    `${name}{resource="team-a/egress",direction="sent"} 1`,
  ]);
});

test('of a thread that died counters stay and gauges go', async (t) => {
  const { metrics, meters } = start(2);
  const counter = 'headgate_forward_proxy_tunnels_ended_total';
  for (const meter of meters) {
    const scope = meter.scope();
    scope.cell(counter, { resource, reason: 'done' }).add(1);
    scope.cell('headgate_forward_proxy_connections', { resource }).add(7);
  }

  metrics.threadEnded(0);

  t.deepEqual(await rendered(metrics, counter), [
    `${counter}{resource="team-a/egress",reason="done"} 2`,
  ]);
  t.deepEqual(await rendered(metrics, 'headgate_forward_proxy_connections'), [
    'headgate_forward_proxy_connections{resource="team-a/egress"} 7',
  ]);
});

test('what a dead thread counted of a resource goes when the resource does, and no sooner', async (t) => {
  const metrics = createMetrics({ processMetrics: false });
  const name = 'headgate_forward_proxy_tunnels_ended_total';
  const line = (of: string, value: number) => `${name}{resource="${of}",reason="done"} ${value}`;
  const startThread = (...resources: readonly string[]) => {
    const meter = createMeter((message) => metrics.receive(0, message));
    return resources.map((of) => {
      const scope = meter.scope();
      scope.cell(name, { resource: of, reason: 'done' }).add(1);
      return scope;
    });
  };
  startThread('a/one', 'a/two');
  metrics.threadEnded(0);
  // The thread in its place numbers its scopes in another order.
  const [two] = startThread('a/two', 'a/one');

  two?.close();
  await metrics.render();

  t.deepEqual(await rendered(metrics, name), [line('a/one', 2)]);
});

test('a bounded label shows so many values over all threads, the rest together', async (t) => {
  const { metrics, meters } = start(2);
  const bound = { label: 'host', max: 2 };
  const name = 'headgate_forward_proxy_requests_by_host_total';
  for (const [index, host] of ['a', 'b', 'b', 'c', 'd', '__other__'].entries()) {
    meters[index % 2]?.cell(name, { resource, host }, bound).add(1);
  }

  t.deepEqual(await rendered(metrics, name), [
    `${name}{resource="team-a/egress",host="a"} 1`,
    `${name}{resource="team-a/egress",host="b"} 2`,
    `${name}{resource="team-a/egress",host="__other__"} 3`,
  ]);
});
