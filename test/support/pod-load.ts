import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { headgateNamespace } from './installed.ts';
import { type Broken, type LoadReport, type LoadTask, loadPorts } from './load-pod.ts';

const script = join(import.meta.dirname, 'load-pod.ts');

/** Clients in a pod of the test's namespace, which keep asking an origin in the same pod. */
export type PodLoad = {
  report(): Promise<LoadReport>;
  /** Resolves when each kind of client has got this many more answers. */
  more(count: number): Promise<void>;
  /** Lets what is under way end. */
  stop(): Promise<LoadReport>;
};

export type LoadPod = {
  /** Clients of a proxy, by its Service's address or a pod's. */
  start(name: string, task: Partial<LoadTask> & Pick<LoadTask, 'proxy'>): Promise<PodLoad>;
};

export async function startLoadPod(cluster: Cluster): Promise<LoadPod> {
  const { tryKubectl } = cluster;
  await cluster.apply(await loadPod());
  await cluster.waitFor('condition=Ready', 'pod/load');

  async function control(method: string, name: string, body = ''): Promise<LoadReport> {
    const curl = ['exec', 'load', '--', 'curl', '-sS', '-X', method, '--data', body];
    const url = `http://localhost:${loadPorts.control}/${name}`;
    // The API server may be on its way back.
    for (let left = 60; ; left -= 1) {
      const { code, stdout, stderr } = await tryKubectl([...curl, url]);
      if (code === 0) return JSON.parse(stdout);
      if (left === 0) throw new Error(`no report of the clients: ${stderr}`);
      await setTimeout(500);
    }
  }

  async function start(name: string, task: Partial<LoadTask> & Pick<LoadTask, 'proxy'>) {
    const { clients = { kept: 4, connect: 4, tunnel: 4 } } = task;
    await control('POST', name, JSON.stringify({ authorization: null, ...task, clients }));
    const report = () => control('GET', name);
    const load: PodLoad = {
      report,
      async more(count) {
        const before = (await report()).done;
        const isDone = ({ done }: LoadReport) =>
          kinds.every((kind) => done[kind] >= before[kind] + (clients[kind] === 0 ? 0 : count));
        while (!isDone(await report())) await setTimeout(200);
      },
      stop: () => control('DELETE', name),
    };
    return load;
  }

  return { start };
}

const kinds = ['kept', 'connect', 'tunnel'] as const;

/** The address of a ForwardProxy's Service. */
export async function serviceAddress(cluster: Cluster, name: string): Promise<string> {
  const service = `fp-${cluster.namespace}-${name}`;
  const inNamespace = ['-n', headgateNamespace, `service/${service}`];
  await cluster.kubectl('wait', '--for=create', '--timeout=60s', ...inNamespace);
  return await cluster.kubectl('get', ...inNamespace, '-o', 'jsonpath={.spec.clusterIP}');
}

/** Failures of requests: what happened but for long tunnels that were cut at the end of a drain. */
export function failuresOf({ broken }: LoadReport, mayCutFrom: number): readonly Broken[] {
  return broken.filter(({ kind, pod, at }) => kind !== 'tunnel' || pod === null || at < mayCutFrom);
}

async function loadPod(): Promise<string> {
  const container = {
    name: 'load',
    image: 'headgate-test:1',
    imagePullPolicy: 'Never',
    command: ['node', '/load/load-pod.ts', '$(POD_IP)'],
    env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
    readinessProbe: { tcpSocket: { port: loadPorts.control }, periodSeconds: 1 },
    volumeMounts: [{ name: 'script', mountPath: '/load' }],
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'load' },
      data: { 'load-pod.ts': await readFile(script, 'utf8') },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'load' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [container],
        volumes: [{ name: 'script', configMap: { name: 'load' } }],
      },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}
