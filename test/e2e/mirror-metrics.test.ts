import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocket, WebSocketServer } from 'ws';
import { ask } from '../support/ask.ts';
import type { HeadgateUp } from '../support/headgate-up.ts';
import { metricValue, untilMetric } from '../support/metrics.ts';
import { mirrorTo, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { nobody } from '../support/mirror-targets.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// What a MirrorRoute counts. What becomes of copies is counted in mirror-isolation.test.ts and its
// neighbours. One process serves most of the file; each test has a route of its own in it.
const scope = fileScope();
const names = ['plain', 'connections', 'refused', 'strangers', 'failing', 'upgraded'] as const;
type Name = (typeof names)[number];

let up: HeadgateUp;
let portOf: Readonly<Record<Name, number>>;

async function startEcho(): Promise<{ readonly authority: string }> {
  const server = createServer();
  const websockets = new WebSocketServer({ server });
  websockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.teardown(() => {
    for (const client of websockets.clients) client.terminate();
    server.close();
  });
  return { authority: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test.before('routes, backends and a mirror', async () => {
  const backend = await startRecorder(scope, ({ startLine }) =>
    startLine.includes('/gone') ? answerText('', [], '404 Not Found') : answerText('12345'),
  );
  const mirror = await startRecorder(scope, () => answerText('of the mirror'));
  const mirrors = [mirrorTo(mirror)];
  const echo = await startEcho();
  const shop = { name: 'shop', matches: [{ path: { value: '/shop' } }] };
  const forbidden = { name: 'forbidden', matches: [{ path: { value: '/forbidden' } }] };
  const strangers = { name: 'all', address: '127.0.0.1', allowedClientCIDRs: ['192.0.2.0/24'] };
  const specs = {
    plain: { rules: [ruleTo(backend, { ...shop, mirrors })] },
    connections: { rules: [ruleTo(backend)] },
    refused: {
      limits: { headerCount: 10 },
      rules: [ruleTo(backend, shop), ruleTo({ authority: '169.254.169.254' }, forbidden)],
    },
    strangers: { rules: [ruleTo(backend)] },
    failing: { rules: [ruleTo(nobody, shop)] },
    upgraded: { rules: [ruleTo(echo, { ...shop, mirrors })] },
  };
  const routes = await startRoutes<Name>(scope, specs);
  const listeners = [{ ...strangers, port: routes.portOf.strangers }];
  await routes.up.apply(
    routes.edited({ strangers: { ...specs.strangers, listeners } }),
    'test/strangers',
  );
  ({ up, portOf } = routes);
});

function series(metric: string, name: Name, labels: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({ resource: `test/${name}`, ...labels });
  return `headgate_mirror_${metric}{${all.map(([label, value]) => `${label}="${value}"`).join()}}`;
}

const until = (
  metric: string,
  name: Name,
  labels: Readonly<Record<string, string>>,
  value: number,
): Promise<void> => untilMetric(up, series(metric, name, labels), value);

const asks = (t: ExecutionContext, name: Name, parts: Parameters<typeof requestText>[0] = {}) =>
  ask(t, portOf[name], requestText({ target: '/shop', ...parts }));

test('requests by rule and status, durations, bytes of bodies; the access log has a line for each, and none for copies', async (t) => {
  const from = up.stdout.all.length;

  await asks(t, 'plain', { method: 'POST', target: '/shop?secret', body: 'hello' });
  await asks(t, 'plain', { target: '/shop/gone' });
  await asks(t, 'plain', { target: '/elsewhere' });

  await until('route_requests_total', 'plain', { type: 'plain', code: '200', rule: 'shop' }, 1);
  await until('route_requests_total', 'plain', { type: 'plain', code: '404', rule: 'shop' }, 1);
  await until('route_requests_total', 'plain', { type: 'plain', code: '404', rule: 'none' }, 1);
  await until('route_request_duration_seconds_count', 'plain', { type: 'plain' }, 3);
  await until('route_bytes_total', 'plain', { direction: 'received' }, 5);
  await until('route_bytes_total', 'plain', { direction: 'sent' }, 5);
  const copies = { rule: 'shop', mirror: 'canary' };
  await until('copies_total', 'plain', { ...copies, outcome: 'answered' }, 2);
  await until('duration_seconds_count', 'plain', copies, 2);
  t.true((await metricValue(up, series('duration_seconds_sum', 'plain', copies))) >= 0);

  await asks(t, 'plain', { method: 'CONNECT', target: 'a.example:1' });
  await until('route_requests_total', 'plain', { type: 'plain', code: '405', rule: 'none' }, 1);

  const line = await up.accessLog(({ path }) => path === '/elsewhere', from);
  t.like(line, { resource: 'test/plain', status: 404, verdict: 'denied', rule: 'none' });
  await up.accessLog(({ method }) => method === 'CONNECT', from);
  const lines = up.stdout.all.slice(from).filter((each) => each.includes('"test/plain"'));
  t.is(lines.length, 4);
  const first = await up.accessLog(({ path }) => path === '/shop?…', from);
  t.like(first, { rule: 'shop', verdict: 'allowed' });
});

test('connections are counted by their first byte, and while they are open', async (t) => {
  const counted = (protocol: string) =>
    until('route_connections_total', 'connections', { listener: 'all', protocol }, 1);
  const peers: Peer[] = [];
  for (const firstByte of ['G', '\x05']) {
    const peer = await connectPeer(t, portOf.connections);
    peer.send(firstByte);
    peers.push(peer);
  }

  await counted('http');
  await counted('unknown');
  await until('route_connections', 'connections', {}, 1); // the unknown one was closed
  for (const peer of peers) peer.socket.destroy();
  await until('route_connections', 'connections', {}, 0);
  t.pass();
});

const refusals: ReadonlyArray<readonly [string, Name, Parameters<typeof requestText>[0], number]> =
  [
    ['no_rule', 'refused', { target: '/' }, 404],
    ['address', 'refused', { target: '/forbidden' }, 403],
    ['loop', 'refused', { fields: ['Via: 1.1 refused.test'] }, 502],
    ['limit', 'refused', { fields: Array(11).fill('X-A: 1') }, 431],
    ['invalid', 'refused', { fields: ['Host: twice'] }, 400],
    ['client_cidr', 'strangers', {}, 403],
  ];

for (const [reason, name, parts, status] of refusals) {
  test(`refusals: ${reason}`, async (t) => {
    t.is((await asks(t, name, parts)).status, status);

    await until('route_denied_total', name, { reason }, 1);
  });
}

test('failures of backends, by error type', async (t) => {
  t.is((await asks(t, 'failing')).status, 502);

  await until('route_upstream_errors_total', 'failing', { error_type: 'connection_refused' }, 1);
  await until('route_requests_total', 'failing', { type: 'plain', code: '502', rule: 'shop' }, 1);
});

test('connections that switched protocols: while they are open, how they ended, what they carried', async (t) => {
  const websocket = new WebSocket(`ws://127.0.0.1:${portOf.upgraded}/shop`);
  t.teardown(() => websocket.terminate());
  await once(websocket, 'open');
  const open = 'headgate_tunnels{resource="test/upgraded",relay="stream"}';
  await untilMetric(up, open, 1);
  websocket.send('hello');
  await once(websocket, 'message');

  websocket.close();
  await once(websocket, 'close');

  await untilMetric(up, open, 0);
  const labels = { type: 'upgrade', code: '101', rule: 'shop' };
  await until('route_requests_total', 'upgraded', labels, 1);
  await until('route_request_duration_seconds_count', 'upgraded', { type: 'upgrade' }, 1);
  await until('route_upgrade_duration_seconds_count', 'upgraded', {}, 1);
  await until('route_upgrades_ended_total', 'upgraded', { reason: 'done' }, 1);
  // RFC 6455 §5.2: two bytes and four of a mask before what a client sends, two before what it gets.
  await until('route_bytes_total', 'upgraded', { direction: 'received' }, 5 + 6 + 6);
  await until('route_bytes_total', 'upgraded', { direction: 'sent' }, 5 + 2 + 2);
  t.pass();
});

test('the version in force is that of its last edit', async (t) => {
  const backend = await startRecorder(t);
  const spec = (pseudonym: string) => ({ via: { pseudonym }, rules: [ruleTo(backend)] });
  const own = await startRoutes(t, { versions: spec('one') });

  const line = await own.up.apply(own.edited({ versions: spec('two') }));

  const sequence = Number(/sequence (\d+)/.exec(line)?.[1]);
  const labels = '{kind="MirrorRoute",resource="test/versions"}';
  await untilMetric(own.up, `headgate_config_version${labels}`, sequence);
  t.pass();
});
