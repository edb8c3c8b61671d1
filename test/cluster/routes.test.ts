import test from 'ava';
import { type Cluster, useCluster } from '../support/cluster.ts';
import { headgateNamespace, install } from '../support/installed.ts';
import { startLoadPod } from '../support/pod-load.ts';

const route = (more: object = {}) =>
  JSON.stringify({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'MirrorRoute',
    metadata: { name: 'shop' },
    spec: {
      listeners: [{ name: 'http', port: 8080 }],
      rules: [{ backendRefs: [{ name: 'shop', port: 80 }], ...more }],
    },
  });

/** Answers with its address, and goes on for a while when it is told to end, as a good server does. */
const server = `
  const http = require('node:http');
  const server = http.createServer((request, response) => response.end(process.env.POD_IP));
  server.keepAliveTimeout = 60_000;
  server.listen(8080);
  process.on('SIGTERM', () => setTimeout(() => server.close(() => process.exit()), 3_000));
`;

/** A Deployment and its Service. */
const backend = (name: string, replicas: number) =>
  [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            containers: [
              {
                name: 'server',
                image: 'headgate-test:1',
                imagePullPolicy: 'Never',
                command: ['node', '-e', server],
                env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
                readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');

async function scale(cluster: Cluster, name: string, replicas: number): Promise<void> {
  await cluster.kubectl('scale', `deployment/${name}`, `--replicas=${replicas}`);
  const gone = `jsonpath={.status.replicas}=${replicas}`;
  await cluster.kubectl('wait', `deployment/${name}`, `--for=${gone}`, '--timeout=120s');
  await cluster.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=120s');
}

async function resolvedRefs(cluster: Cluster): Promise<unknown> {
  const path = 'jsonpath={.status.conditions[?(@.type=="ResolvedRefs")]}';
  return JSON.parse(await cluster.kubectl('get', 'mr', 'shop', '-o', path));
}

// One after the other: on one port of one pool they would share it, and the older would answer both.

test.serial(
  'a route to a Service is reached through its own; its backends come and go and no request fails',
  async (t) => {
    const cluster = await useCluster(t);
    await install(cluster);
    await cluster.apply(`${backend('shop', 3)}\n---\n${route()}`);
    const [pod] = await Promise.all([
      startLoadPod(cluster),
      cluster.waitFor('condition=Programmed', 'mirrorroute/shop'),
      cluster.kubectl('rollout', 'status', 'deployment/shop', '--timeout=120s'),
    ]);
    const service = `mr-${cluster.namespace}-shop`;
    const inHeadgate = ['-n', headgateNamespace, `service/${service}`] as const;
    await cluster.kubectl('wait', '--for=create', '--timeout=60s', ...inHeadgate);
    const host = await cluster.kubectl('get', ...inHeadgate, '-o', 'jsonpath={.spec.clusterIP}');
    const clients = { kept: 8, connect: 0, tunnel: 0 };
    const load = await pod.start('route', { proxy: { host, port: 8080 }, clients });
    // Pods hear of each backend a moment after it is ready.
    while (Object.keys((await load.report()).pods).length < 3) await load.more(10);

    for (const replicas of [1, 4, 2]) {
      await scale(cluster, 'shop', replicas);
      await load.more(50);
    }

    const { broken, done } = await load.stop();
    t.log(`${done.kept} requests`);
    t.deepEqual(broken, []);
    const generations = 'jsonpath={.metadata.generation} {.status.observedGeneration}';
    t.is(await cluster.kubectl('get', 'mr', 'shop', '-o', generations), '1 1');
  },
);

test.serial(
  'a mirror whose Service is not there is said, and gets copies once it is',
  async (t) => {
    const cluster = await useCluster(t);
    await install(cluster);
    const mirrors = [{ name: 'next', backendRef: { name: 'next', port: 80 } }];
    await cluster.apply(`${backend('shop', 1)}\n---\n${route({ mirrors })}`);
    await cluster.waitFor('condition=Programmed', 'mirrorroute/shop');
    t.like(await resolvedRefs(cluster), { status: 'False', reason: 'BackendNotFound' });

    await cluster.apply(backend('next', 1));
    await cluster.waitFor('condition=ResolvedRefs', 'mirrorroute/shop');

    t.like(await resolvedRefs(cluster), { status: 'True', reason: 'ResolvedRefs' });
  },
);
