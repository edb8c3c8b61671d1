import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { buildRules } from '../../cdk8s/dashboards/alerts.ts';
import { type MetricName, metrics } from '../../contracts/metric-names.ts';
import { ask, deadAuthority, get } from '../support/ask.ts';
import { connectThrough, proxyAuthorization } from '../support/connect.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { isContinuousIntegration } from '../support/environment.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { metricValue, untilMetric } from '../support/metrics.ts';
import { mirrorRoute, ruleTo, tlsSecret } from '../support/mirror-route.ts';
import { allQuestions, type Question, unanswered } from '../support/monitoring.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { echo, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { findProgram, type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { requestText } from '../support/route-request.ts';
import { makeAuthority } from '../support/tls.ts';

const deadlineMs = 120_000;

/** What has values nowhere but in a cluster: test/kubernetes/monitoring.test.ts. */
const ofClusters: readonly MetricName[] = [
  'headgate_api_requests_total',
  'headgate_api_request_duration_seconds',
  'headgate_watch_complete',
  'headgate_watch_restarts_total',
];

const withPrometheus =
  findProgram('prometheus') === null && !isContinuousIntegration ? test.skip : test;

withPrometheus('every panel and every alert rule finds its data in a system at work', async (t) => {
  t.timeout(2 * deadlineMs);
  const system = await startSystem(t);
  const prometheus = await startPrometheus(t, {
    targets: [new URL(system.up.admin).host],
    rules: buildRules('docs/monitoring.md'),
  });

  t.deepEqual(await untilAnswered(system, prometheus), []);

  const known = await untilEvaluated(prometheus);
  t.deepEqual(
    known.filter(({ health }) => health !== 'ok'),
    [],
  );
});

test('panels and rules ask for every metric that there is', (t) => {
  const asked = allQuestions()
    .map(({ query }) => query)
    .join('\n');
  // Both tell what the dashboard finds out by itself.
  const notAsked: readonly MetricName[] = ['headgate_config_version'];

  const missing = Object.keys(metrics).filter(
    (name) => !new RegExp(`\\b${name}\\b|\\b${name}_`).test(asked),
  );

  t.deepEqual(missing, notAsked);
});

test('a log that goes out of reach is shown, and so is its return', async (t) => {
  const nats = await startNatsServer(t);
  const up = await startHeadgate(t, {
    args: ['--nats', nats.url],
    resources: ([port = 0]) => forwardProxy({ port }),
  });
  await untilMetric(up, 'headgate_event_log_unreachable', 0);

  await nats.kill();
  await untilMetric(up, 'headgate_event_log_unreachable', 1);
  t.is(await metricValue(up, 'headgate_leader'), 1, 'it goes on to lead');

  await nats.start();
  await untilMetric(up, 'headgate_event_log_unreachable', 0);
});

/** One round of traffic and edits after the other, until all questions have been answered once. */
async function untilAnswered(system: System, prometheus: Prometheus): Promise<readonly Question[]> {
  const startedMs = performance.now();
  let open: readonly Question[] = allQuestions().filter(
    ({ query }) => !ofClusters.some((name) => query.includes(name)),
  );
  while (open.length > 0 && performance.now() - startedMs < deadlineMs) {
    await system.oneRound();
    open = await unanswered(prometheus, open);
  }
  return open;
}

async function untilEvaluated(prometheus: Prometheus) {
  for (;;) {
    const rules = await prometheus.rules();
    if (rules.every(({ health }) => health !== 'unknown')) return rules;
  }
}

type System = { readonly up: HeadgateUp; oneRound(): Promise<void> };

/** Switches protocols with whoever asks, and ends it. */
function switchProtocols(socket: Socket): void {
  socket.once('data', () => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
  });
}

/** Two proxies and two routes that are used, misused and edited. */
async function startSystem(t: ExecutionContext): Promise<System> {
  const dns = await startDnsServer(t);
  dns.set('watched.test', { A: ['127.0.0.1'] });
  const nats = await startNatsServer(t);
  const origin = await startOrigin(t);
  const tcp = await startTcpOrigin(t, echo);
  const switching = await startTcpOrigin(t, switchProtocols);
  const dead = await deadAuthority();
  const users = usersSecret({ alice: 'wonderland' });
  const tls = { certificateRefs: [{ name: 'tls' }] };
  const secrets = users + tlsSecret('tls', await (await makeAuthority(t)).issue());
  let round = 0;
  const to = (authority: string, path: string, more: object = {}) => ({
    matches: [{ path: { value: path } }],
    backendRefs: [{ url: `http://${authority}` }],
    ...more,
  });
  const mirrors = [
    { name: 'all', backendRef: { url: origin.url }, compare: { mode: 'Status' } },
    { name: 'none', backendRef: { url: origin.url }, percent: 0 },
  ];
  const resources = ([open = 0, locked = 0, route = 0, secure = 0]: readonly number[]) =>
    secrets +
    forwardProxy({
      name: 'open',
      port: open,
      spec: {
        via: { pseudonym: `round-${round}` },
        accessLog: {},
        metrics: { hostLabel: { mode: 'Host' }, clientLabel: { mode: 'IP' } },
        egress: {
          addressPolicy: { allowCIDRs: ['127.0.0.0/8'] },
          rules: [
            { name: 'no', action: 'Deny', hosts: ['denied.test'] },
            { name: 'watched', action: 'Report', hosts: ['watched.test'] },
          ],
        },
      },
    }) +
    forwardProxy({ name: 'locked', port: locked, spec: { authentication: basicAuthentication } }) +
    mirrorRoute('secure', secure, { tls, rules: [ruleTo(origin)] }) +
    mirrorRoute('route', route, {
      hostnames: ['shop.example'],
      rules: [
        to(origin.authority, '/', { mirrors }),
        to(dead, '/dead'),
        to(switching.authority, '/switch'),
      ],
    });
  const up = await startHeadgate(t, {
    ports: 4,
    args: ['--nats', nats.url, '--dns-server', dns.address, '--access-log', '/dev/null'],
    resources,
  });
  const [open = 0, locked = 0, route = 0] = up.ports;

  const statusOf = async (port: number, text: string) => {
    const { status, client } = await ask(t, port, text);
    client.socket.destroy();
    return status;
  };
  const authorization = proxyAuthorization('alice', 'wonderland')['proxy-authorization'];

  return {
    up,
    async oneRound() {
      round += 1;
      t.is(await statusOf(open, get(origin.authority)), 200);
      t.is(await statusOf(open, get(`watched.test:${origin.port}`)), 200);
      t.is(await statusOf(open, get('denied.test')), 403);
      t.is(await statusOf(open, get(await deadAuthority())), 502);
      const login = `Proxy-Authorization: ${authorization}`;
      t.is(await statusOf(locked, get(origin.authority, login)), 200);
      const { status, socket } = await connectThrough(open, tcp.authority);
      t.is(status, 200);
      socket.destroy();
      t.is(await statusOf(route, requestText()), 200);
      t.is(await statusOf(route, requestText({ host: 'other.example' })), 404);
      t.is(await statusOf(route, requestText({ target: '/dead' })), 502);
      const upgrade = ['Connection: Upgrade', 'Upgrade: test'];
      t.is(await statusOf(route, requestText({ target: '/switch', fields: upgrade })), 101);
      await up.apply(resources(up.ports), 'test/open');
    },
  };
}
