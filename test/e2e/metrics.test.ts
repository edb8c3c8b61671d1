import { constants } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { metrics } from '../../contracts/metric-names.ts';
import { podMetrics } from '../../contracts/pod-metrics.ts';
import { ask, deadAuthority, get, request } from '../support/ask.ts';
import { connectThrough, proxyAuthorization } from '../support/connect.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { metricValue, seriesOf, untilMetric } from '../support/metrics.ts';
import { echo, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { run } from '../support/run.ts';
import { fileScope } from '../support/scope.ts';

// Every metric moves when it should, and no label grows without end. One process serves most of the
// file; each test has a proxy of its own in it.
const scope = fileScope();
const addressPolicy = { allowCIDRs: ['127.0.0.0/8'] };
const nobody = { name: 'all', protocol: 'Mixed', allowedClientCIDRs: ['192.0.2.0/24'] };
const specs = {
  plain: {},
  connections: {},
  tunnels: {},
  refused: {
    connect: { allowedPorts: [443] },
    limits: { headerCount: 10 },
    egress: { rules: [{ name: 'no', action: 'Deny', hosts: ['denied.example'] }], addressPolicy },
  },
  strangers: {},
  failing: {},
  names: {},
  locked: { authentication: basicAuthentication },
  hosts: { metrics: { hostLabel: { mode: 'Host', max: 2 } } },
  clients: { metrics: { clientLabel: { mode: 'IP' } } },
  users: {
    authentication: { ...basicAuthentication, attempts: 3 },
    metrics: { clientLabel: { mode: 'Identity', max: 1 } },
  },
} as const satisfies Record<string, Readonly<Record<string, unknown>>>;

type Name = keyof typeof specs;
const names = Object.keys(specs) as Name[]; // the keys of this very record
let up: HeadgateUp;

test.before('proxies and a name server', async () => {
  const dns = await startDnsServer(scope);
  dns.set('known.test', { A: ['127.0.0.1'], ttl: 60 });
  dns.set('broken.test', { fails: 'SERVFAIL' });
  dns.set('silent.test', { fails: 'silence' });
  up = await startHeadgate(scope, {
    ports: names.length,
    args: ['--dns-server', dns.address],
    resources: (ports) =>
      usersSecret({ alice: 'wonderland', bob: 'builder' }) +
      names.map((name, at) => document(name, ports[at] ?? 0)).join(''),
  });
});

function document(name: Name, port: number): string {
  const listeners =
    name === 'strangers' ? { listeners: [{ ...nobody, port, address: '127.0.0.1' }] } : {};
  return forwardProxy({
    name,
    port,
    spec: { dns: { timeout: '1s' }, ...listeners, ...specs[name] },
  });
}

const portOf = (name: Name) => up.ports[names.indexOf(name)] ?? 0;

/** A series of one of our proxies: labels in the order of contracts/metric-names.ts. */
function series(metric: string, name: Name, labels: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({ resource: `test/${name}`, ...labels });
  return `${metric}{${all.map(([label, value]) => `${label}="${value}"`).join()}}`;
}

const until = (
  metric: string,
  name: Name,
  labels: Readonly<Record<string, string>>,
  value: number,
) => untilMetric(up, series(metric, name, labels), value);

async function openTunnel(t: ExecutionContext, name: Name, authority: string): Promise<Peer> {
  const peer = await connectPeer(t, portOf(name));
  peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  t.is((await peer.head()).status, 200);
  return peer;
}

/** Which test here, or in which file, shows that a metric moves. Does not compile while one is missing; those of the operator: operator/metrics.test.ts and metered.test.ts. */
const shownBy = {
  headgate_forward_proxy_connections_total: 'connections',
  headgate_forward_proxy_connections: 'connections',
  headgate_forward_proxy_requests_total: 'plain requests',
  headgate_forward_proxy_request_duration_seconds: 'plain requests',
  headgate_forward_proxy_tunnel_duration_seconds: 'tunnels',
  headgate_forward_proxy_tunnels_ended_total: 'tunnels',
  headgate_tunnels: 'tunnels',
  headgate_forward_proxy_bytes_total: 'plain requests',
  headgate_forward_proxy_denied_total: 'refusals',
  headgate_forward_proxy_would_deny_total: 'access-log.test.ts',
  headgate_forward_proxy_upstream_errors_total: 'failures',
  headgate_forward_proxy_requests_by_client_total: 'clients',
  headgate_forward_proxy_requests_by_host_total: 'hosts',
  headgate_mirror_route_connections_total: 'mirror-metrics.test.ts',
  headgate_mirror_route_connections: 'mirror-metrics.test.ts',
  headgate_mirror_route_requests_total: 'mirror-metrics.test.ts',
  headgate_mirror_route_request_duration_seconds: 'mirror-metrics.test.ts',
  headgate_mirror_route_upgrade_duration_seconds: 'mirror-metrics.test.ts',
  headgate_mirror_route_upgrades_ended_total: 'mirror-metrics.test.ts',
  headgate_mirror_route_bytes_total: 'mirror-metrics.test.ts',
  headgate_mirror_route_denied_total: 'mirror-metrics.test.ts',
  headgate_mirror_route_upstream_errors_total: 'mirror-metrics.test.ts',
  headgate_mirror_copies_total: 'mirror-isolation.test.ts',
  headgate_mirror_skipped_total: 'mirror-isolation.test.ts',
  headgate_mirror_duration_seconds: 'mirror-metrics.test.ts',
  headgate_mirror_inflight: 'mirror-budgets.test.ts',
  headgate_mirror_queued: 'mirror-budgets.test.ts',
  headgate_mirror_buffered_bytes: 'mirror-budgets.test.ts',
  headgate_mirror_breaker_open: 'mirror-breaker.test.ts',
  headgate_mirror_compared_total: 'mirror-compare.test.ts',
  headgate_config_version: 'versions',
  headgate_certificate_expiration_timestamp_seconds: 'certificate-expiry.test.ts',
  headgate_dns_lookups_total: 'look-ups',
  headgate_dns_lookup_duration_seconds: 'look-ups',
  headgate_password_checks_total: 'passwords',
  headgate_access_log_dropped_total: 'a stalled reader',
  headgate_worker_restarts_total: 'crash.test.ts',
  headgate_applied_sequence: 'versions',
  headgate_drain_remaining: 'drain.test.ts',
} as const satisfies Record<keyof typeof podMetrics, string>;

test('every metric has its help, its type and the right labels', async (t) => {
  const text = await up.metrics();

  t.deepEqual(Object.keys(shownBy).toSorted(), Object.keys(podMetrics).toSorted());
  for (const [name, { type, help }] of Object.entries(metrics)) {
    t.true(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
  }
  t.regex(text, /^process_cpu_seconds_total /m);
});

test('connections are counted by the protocol of their first byte, and while they are open', async (t) => {
  const counted = (protocol: string, value: number) =>
    until(
      'headgate_forward_proxy_connections_total',
      'connections',
      { listener: 'all', protocol },
      value,
    );
  const peers: Peer[] = [];
  for (const firstByte of ['G', '\x04', '\x05', '\x16']) {
    const peer = await connectPeer(t, portOf('connections'));
    peer.send(firstByte);
    peers.push(peer);
  }

  for (const protocol of ['http', 'socks4', 'socks5', 'unknown']) await counted(protocol, 1);
  await until('headgate_forward_proxy_connections', 'connections', {}, 3); // the unknown one was closed
  for (const peer of peers) peer.socket.destroy();
  await until('headgate_forward_proxy_connections', 'connections', {}, 0);
  t.pass();
});

test('plain requests: answers, durations and bytes of bodies', async (t) => {
  const { authority } = await startOrigin(t);

  const { client, body } = await ask(
    t,
    portOf('plain'),
    `${request('POST', authority, 'Content-Length: 5')}hello`,
  );
  client.send(get(authority).replace(`${authority}/`, `${authority}/status/404`));
  t.is((await client.message()).status, 404);

  const requests = 'headgate_forward_proxy_requests_total';
  await until(requests, 'plain', { type: 'plain', code: '200', rule: 'default' }, 1);
  await until(requests, 'plain', { type: 'plain', code: '404', rule: 'default' }, 1);
  const duration = 'headgate_forward_proxy_request_duration_seconds';
  await until(`${duration}_count`, 'plain', { type: 'plain' }, 2);
  await until(`${duration}_bucket`, 'plain', { type: 'plain', le: '+Inf' }, 2);
  t.true((await metricValue(up, series(`${duration}_sum`, 'plain', { type: 'plain' }))) >= 0);
  const bytes = 'headgate_forward_proxy_bytes_total';
  await until(bytes, 'plain', { direction: 'received' }, 5);
  await until(bytes, 'plain', { direction: 'sent' }, body.length);
});

test('tunnels: open ones, how they ended, how long they lived, what they carried', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const first = await openTunnel(t, 'tunnels', authority);
  const second = await openTunnel(t, 'tunnels', authority);
  await until('headgate_tunnels', 'tunnels', { relay: 'stream' }, 2);
  first.send('hello');
  await first.bytes(5);

  first.socket.end();
  await first.rest();
  second.socket.resetAndDestroy();

  await until('headgate_tunnels', 'tunnels', { relay: 'stream' }, 0);
  const ended = 'headgate_forward_proxy_tunnels_ended_total';
  await until(ended, 'tunnels', { reason: 'done' }, 1);
  await until(ended, 'tunnels', { reason: 'client_reset' }, 1);
  await until('headgate_forward_proxy_tunnel_duration_seconds_count', 'tunnels', {}, 2);
  const established = 'headgate_forward_proxy_request_duration_seconds_count';
  await until(established, 'tunnels', { type: 'connect' }, 2);
  const labels = { type: 'connect', code: '200', rule: 'default' };
  await until('headgate_forward_proxy_requests_total', 'tunnels', labels, 2);
  await until('headgate_forward_proxy_bytes_total', 'tunnels', { direction: 'received' }, 5);
  await until('headgate_forward_proxy_bytes_total', 'tunnels', { direction: 'sent' }, 5);
});

const refusals: ReadonlyArray<readonly [string, Name, (authority: string) => string, number]> = [
  ['rule', 'refused', () => get('denied.example'), 403],
  ['address', 'refused', () => get('10.0.0.1'), 403],
  ['loop', 'refused', () => get('127.0.0.1:8', 'Via: 1.1 refused.test'), 502],
  ['invalid', 'refused', () => get('127.0.0.1:8', 'Host: twice'), 400],
  [
    'limit',
    'refused',
    () => get('127.0.0.1:8', ...Array.from({ length: 20 }, () => 'X-A: 1')),
    431,
  ],
  ['client_cidr', 'strangers', () => get('127.0.0.1:8'), 403],
  ['auth', 'locked', () => get('127.0.0.1:8'), 407],
];

for (const [reason, name, text, status] of refusals) {
  test(`refusals: ${reason}`, async (t) => {
    t.is((await ask(t, portOf(name), text(''))).status, status);

    await until('headgate_forward_proxy_denied_total', name, { reason }, 1);
  });
}

test('refusals: port', async (t) => {
  const { status, socket } = await connectThrough(portOf('refused'), '127.0.0.1:8');
  t.teardown(() => socket.destroy());

  t.is(status, 403);
  await until('headgate_forward_proxy_denied_total', 'refused', { reason: 'port' }, 1);
});

test('failures of the upstream side, by error type', async (t) => {
  const failed = 'headgate_forward_proxy_upstream_errors_total';

  t.is((await ask(t, portOf('failing'), get(await deadAuthority()))).status, 502);
  t.is((await ask(t, portOf('failing'), get('nowhere.test'))).status, 502);

  await until(failed, 'failing', { error_type: 'connection_refused' }, 1);
  await until(failed, 'failing', { error_type: 'dns_error' }, 1);
});

test('hosts: up to its max they are named, the others share one series', async (t) => {
  const counted = 'headgate_forward_proxy_requests_by_host_total';
  const client = await connectPeer(t, portOf('hosts'));
  for (const host of ['a.test', 'b.test', 'c.test', 'd.test', 'a.test']) {
    client.send(get(host));
    t.is((await client.message()).status, 502);
  }

  await until(counted, 'hosts', { host: 'a.test' }, 2);
  await until(counted, 'hosts', { host: 'b.test' }, 1);
  await until(counted, 'hosts', { host: '__other__' }, 2);
  const lines = await seriesOf(up, counted);
  t.is(lines.filter((line) => line.includes('test/hosts')).length, 3);
  t.is(lines.filter((line) => line.includes('test/plain')).length, 0);
});

test('clients: by address where asked for', async (t) => {
  await ask(t, portOf('clients'), get(await deadAuthority()));

  const counted = 'headgate_forward_proxy_requests_by_client_total';
  await until(counted, 'clients', { client: '127.0.0.1' }, 1);
  t.pass();
});

test.serial(
  'passwords and users: checked once, then remembered; past the max in __other__',
  async (t) => {
    const authority = await deadAuthority();
    const client = await connectPeer(t, portOf('users'));
    const as = async (user: string, password: string) => {
      const { 'proxy-authorization': value } = proxyAuthorization(user, password);
      client.send(get(authority, `Proxy-Authorization: ${value}`));
      return (await client.message()).status;
    };

    const statuses = [
      await as('alice', 'wonderland'),
      await as('alice', 'wonderland'),
      await as('bob', 'builder'),
      await as('alice', 'wrong'),
    ];

    t.deepEqual(statuses, [502, 502, 502, 407]);
    const checks = (result: string, value: number) =>
      untilMetric(up, `headgate_password_checks_total{result="${result}"}`, value);
    await checks('ok', 2);
    await checks('cached', 1);
    await checks('wrong', 1);
    const counted = 'headgate_forward_proxy_requests_by_client_total';
    await until(counted, 'users', { client: 'alice' }, 2);
    await until(counted, 'users', { client: '__other__' }, 1);

    while ((await as('alice', 'wrong again')) !== 429);
    await checks('rate_limited', 1);
  },
);

test('look-ups, by what came of them', async (t) => {
  const result = (name: string) => metricValue(up, `headgate_dns_lookups_total{result="${name}"}`);
  const duration = 'headgate_dns_lookup_duration_seconds_count';
  const before = {
    ok: await result('ok'),
    cached: await result('cached'),
    not_found: await result('not_found'),
    error: await result('error'),
    timeout: await result('timeout'),
  };
  const durationBefore = await metricValue(up, duration);
  const { authority } = await startOrigin(t);
  const known = `known.test:${authority.split(':')[1]}`;
  const client = await connectPeer(t, portOf('names'));
  const ask = async (host: string) => {
    client.send(get(host));
    return (await client.message()).status;
  };

  const statuses = [
    await ask(known),
    await ask(known),
    await ask('unknown.test'),
    await ask('broken.test'),
    await ask('silent.test'),
  ];

  t.deepEqual(statuses, [200, 200, 502, 502, 504]);
  for (const [name, value] of Object.entries(before)) t.true((await result(name)) > value, name);
  t.true((await metricValue(up, duration)) >= durationBefore + 3);
});

test('versions: what is in force, and up to where the log was applied', async (t) => {
  const version = (port: number, pseudonym: string) =>
    forwardProxy({ port, spec: { via: { pseudonym } } });
  const own = await startHeadgate(t, { resources: ([port = 0]) => version(port, 'one') });

  const line = await own.apply(version(own.port, 'two'));

  const sequence = Number(/sequence (\d+)/.exec(line)?.[1]);
  const labels = '{kind="ForwardProxy",resource="test/egress"}';
  await untilMetric(own, `headgate_config_version${labels}`, sequence);
  t.true((await metricValue(own, 'headgate_applied_sequence{pool="default"}')) >= sequence);
});

test('the series of a removed resource are gone after one more scrape', async (t) => {
  const { authority } = await startOrigin(t);
  const one = (name: string, port: number) => forwardProxy({ name, port });
  const own = await startHeadgate(t, {
    ports: 2,
    resources: ([a = 0, b = 0]) => one('leaving', a) + one('staying', b),
  });
  const [leaving = 0, staying = 0] = own.ports;
  const { client } = await ask(t, leaving, get(authority));
  client.socket.destroy();
  await untilMetric(
    own,
    'headgate_forward_proxy_requests_total{resource="test/leaving",type="plain",code="200",rule="default"}',
    1,
  );

  await own.write(one('staying', staying));
  await own.stdout.next((line) => line.includes('leaving removed'));

  while ((await own.metrics()).includes('test/leaving'));
  t.true((await own.metrics()).includes('test/staying'));
});

test('a stalled reader of the access log loses lines, counted, and delays nobody', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-fifo-'));
  const fifo = join(directory, 'access.log');
  t.is((await run('mkfifo', [fifo])).code, 0);
  const reader = await open(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(async () => {
    await reader.close();
    await rm(directory, { recursive: true });
  });
  const accessLog = { redactQuery: false };
  const own = await startHeadgate(t, {
    args: ['--access-log', fifo],
    resources: ([port = 0]) => forwardProxy({ port, spec: { accessLog } }),
  });
  const { authority } = await startOrigin(t);
  const client = await connectPeer(t, own.port);
  const long = get(authority).replace(`${authority}/`, `${authority}/?${'x'.repeat(8000)}`);

  while ((await metricValue(own, 'headgate_access_log_dropped_total')) === 0) {
    for (let count = 0; count < 100; count += 1) {
      client.send(long);
      t.is((await client.message()).status, 200);
    }
  }

  const exited = own.stop();
  t.deepEqual(await exited, { code: 0, signal: null });
});

test('/healthz and /readyz; nothing else, and only GET', async (t) => {
  const statusOf = async (path: string, method = 'GET') =>
    (await fetch(`${up.admin}${path}`, { method })).status;

  t.is(await statusOf('/healthz'), 200);
  t.is(await statusOf('/readyz'), 200);
  t.is(await statusOf('/metrics', 'HEAD'), 200);
  t.is(await statusOf('/'), 404);
  t.is(await statusOf('/metrics', 'POST'), 405);
});
