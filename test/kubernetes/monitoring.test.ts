import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { buildDashboard } from '../../cdk8s/dashboards/dashboard.ts';
import { readSecret } from '../support/control-plane.ts';
import { isContinuousIntegration } from '../support/environment.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import type { KubeApi } from '../support/kube-api.ts';
import { allQuestions, type Question, unanswered } from '../support/monitoring.ts';
import type { NatsServer } from '../support/nats-server.ts';
import {
  operatorNamespace,
  startOperatorProcess,
  startWhatOperatorsNeed,
} from '../support/operator-process.ts';
import { mountSecret, startPodProcess } from '../support/pod-process.ts';
import { freePorts } from '../support/ports.ts';
import { findProgram, startPrometheus } from '../support/prometheus.ts';

// Operators and a pod as a cluster runs them, each a process of its own, at a real API server.

const deadlineMs = 120_000;

/** test/integration/monitoring.test.ts asks about traffic. */
const aboutTraffic = /headgate_(forward_proxy|mirror|tunnels|dns|password|certificate)/;

const withPrometheus =
  findProgram('prometheus') === null && !isContinuousIntegration ? test.skip : test;

withPrometheus('panels and rules find their data in two operators and a pod', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const leader = await startOperatorProcess(t, kube, nats.url);
  await leader.said('leading');
  const standby = await startOperatorProcess(t, kube, nats.url);
  await kube.apply(proxy(3128));
  const pod = await startPod(t, kube, nats);
  const prometheus = await startPrometheus(t, {
    targets: [leader, standby, pod].map(({ admin }) => new URL(admin).host),
  });
  let open: readonly Question[] = allQuestions().filter(({ query }) => !aboutTraffic.test(query));
  t.true(open.length > 50);

  const ports = await freePorts(2);
  const startedMs = performance.now();
  for (let round = 0; open.length > 0 && performance.now() - startedMs < deadlineMs; round += 1) {
    await kube.apply(proxy(ports[round % 2] ?? 0));
    await kube.kubectl(
      ...['wait', '--for=condition=Programmed', 'forwardproxy/egress', '--timeout=60s'],
    );
    open = await unanswered(prometheus, open);
  }

  t.deepEqual(open, []);
  const [leaders] = await prometheus.query('sum(headgate_leader)');
  t.is(leaders?.value, 1);
  t.is((await prometheus.query('headgate_applied_sequence')).length, 1, 'of the pod only');
  t.is((await prometheus.query('headgate_leader')).length, 2, 'of the operators only');
});

test('an operator shows what it asks of the API server, and when that is gone', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  const operator = await startOperatorProcess(t, kube, nats.url);
  const until = untilShown(operator.admin);
  await kube.apply(proxy(3128));

  await until('headgate_watch_complete{kind="ForwardProxy"}', 1);
  await until('headgate_resources{kind="ForwardProxy",state="pending"}', 1);
  await until('headgate_api_requests_total{verb="list",code="200"}', 'some');
  await until('headgate_api_requests_total{verb="watch",code="200"}', 'some');
  await until('headgate_status_writes_total{kind="ForwardProxy",outcome="written"}', 'some');
  await until('headgate_object_writes_total{kind="Deployment",outcome="applied"}', 'some');
  await until('headgate_kubernetes_events_total{outcome="emitted"}', 'some');
  await until('headgate_pods{pool="default",state="live"}', 0);

  await kube.kill();

  await until('headgate_watch_restarts_total{kind="ForwardProxy",reason="failed"}', 'some');
  await until('headgate_api_requests_total{verb="watch",code="0"}', 'some');
  t.pass();
});

test('an operator that should lead shows that the log is out of reach', async (t) => {
  const { kube, nats } = await startWhatOperatorsNeed(t);
  await nats.kill();
  const operator = await startOperatorProcess(t, kube, nats.url);
  const until = untilShown(operator.admin);

  await until('headgate_event_log_unreachable', 1);
  await until('headgate_leader', 0);
  await nats.start();

  await until('headgate_leader', 1);
  await until('headgate_event_log_unreachable', 0);
  t.pass();
});

test('the dashboard is applied as a ConfigMap that the sidecar of Grafana reads', async (t) => {
  const { kube } = await startWhatOperatorsNeed(t);
  const manifest = join(import.meta.dirname, '../../cdk8s/manifests/monitoring-dashboard.yaml');

  const applied = await kube.tryKubectl([
    ...['apply', '--server-side', '--validate=strict', '--filename', manifest],
  ]);
  const found = await kube.kubectl(
    ...['get', 'configmap', '--all-namespaces', '-l', 'grafana_dashboard=1', '-o', 'json'],
  );

  t.deepEqual([applied.code, applied.stderr], [0, '']);
  const { items } = JSON.parse(found);
  t.is(items.length, 1);
  t.deepEqual(
    JSON.parse(items[0].data['headgate.json']),
    JSON.parse(JSON.stringify(buildDashboard())),
  );
});

function proxy(port: number): string {
  return forwardProxy({ namespace: 'default', port });
}

/** With the Secret that the operator makes for its pool. */
async function startPod(t: ExecutionContext, kube: KubeApi, nats: NatsServer) {
  const inNamespace = ['--namespace', operatorNamespace];
  const secret = 'headgate-pool-default';
  await kube.kubectl('wait', '--for=create', `secret/${secret}`, '--timeout=60s', ...inNamespace);
  const mounted = await mountSecret(t);
  await mounted.write(await readSecret(kube, secret));
  return await startPodProcess(t, {
    HEADGATE_POOL: 'default',
    HEADGATE_POD_NAME: 'pod-1',
    HEADGATE_NATS_URL: nats.url,
    HEADGATE_CREDENTIALS: mounted.directory,
    HEADGATE_ACCESS_LOG: '/dev/null',
  });
}

/** Waits until a series has this value, or any but 0. */
function untilShown(admin: string) {
  async function readValue(series: string): Promise<number | null> {
    const text = await (await fetch(`${admin}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? null : Number(line.slice(series.length));
  }

  return async (series: string, wanted: number | 'some'): Promise<void> => {
    const startedMs = performance.now();
    for (;;) {
      const value = await readValue(series);
      if (value === wanted || (wanted === 'some' && value !== null && value > 0)) return;
      if (performance.now() - startedMs > deadlineMs) throw new Error(`${series} is ${value}`);
    }
  };
}
