import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { KubernetesApi } from '../../../operator/kubernetes/api.ts';
import { childEnvironment } from '../../support/environment.ts';
import { headgateNamespace, readManifest } from '../../support/installed.ts';
import { createKubectl, type Kubectl } from '../../support/kubectl.ts';
import { findKubernetesBinary } from '../../support/kubernetes-binary.ts';
import { linesOf } from '../../support/lines.ts';
import { openApi } from '../../support/open-api.ts';
import { run } from '../../support/run.ts';
import type { Scope } from '../../support/teardowns.ts';
import { parseMetrics, type Samples } from './samples.ts';

/** Headgate on a cluster of the benchmark's own, installed as a user would. */
export type Installation = Kubectl & {
  readonly api: KubernetesApi;
  /** `/metrics` of a pod of Headgate, through the API server. */
  metricsOf(pod: string): Promise<Samples>;
  apiServer(): Promise<Samples>;
  operators(): Promise<{ readonly leader: string; readonly standby: string | null }>;
  /** Pods of pool `default` that run. */
  pods(): Promise<readonly string[]>;
  /** A port of this machine that leads to a port of a pod; closed by what is returned. */
  forward(pod: string, port: number): Promise<Forwarded>;
};

export type Forwarded = Disposable & { readonly port: number };

const root = join(import.meta.dirname, '../../..');

/** Begins with nothing: whatever a cluster of this name held before is gone. */
export async function startInstallation(scope: Scope, cluster: string): Promise<Installation> {
  const hack = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(join(root, 'hack/cluster'), args, {
      env: { HEADGATE_CLUSTER: cluster },
    });
    if (code !== 0) throw new Error(`hack/cluster ${args.join(' ')}: ${stderr || stdout}`);
  };
  await hack('down');
  scope.teardown(() => hack('down'));
  await hack('up');
  await hack('load-images');
  const kubeconfig = join(root, '.cache/cluster', cluster, 'kubeconfig');
  const client = createKubectl(kubeconfig);
  await client.apply(await readManifest());
  for (const object of ['statefulset/headgate-nats', 'deployment/headgate-operator']) {
    const wait = ['rollout', 'status', '-n', headgateNamespace, object, '--timeout=120s'];
    await client.kubectl(...wait);
  }
  return { ...client, ...(await lookInto(scope, kubeconfig, client)) };
}

async function lookInto(
  scope: Scope,
  kubeconfig: string,
  { kubectl }: Kubectl,
): Promise<Omit<Installation, keyof Kubectl>> {
  async function metricsOf(pod: string): Promise<Samples> {
    const path = `/api/v1/namespaces/${headgateNamespace}/pods/${pod}:9127/proxy/metrics`;
    return parseMetrics(await kubectl('get', '--raw', path));
  }

  async function running(component: string): Promise<readonly string[]> {
    const printed = await kubectl(
      ...['get', 'pods', '-n', headgateNamespace, '-o', 'name'],
      ...['--field-selector', 'status.phase=Running'],
      ...['-l', `app.kubernetes.io/component=${component}`],
    );
    const lines = printed.split('\n').filter((line) => line !== '');
    return lines.map((line) => line.replace('pod/', ''));
  }

  return {
    api: await openApi(scope, kubeconfig),
    metricsOf,
    apiServer: async () => parseMetrics(await kubectl('get', '--raw', '/metrics')),
    pods: () => running('dataplane'),
    async operators() {
      const names = await running('operator');
      const samples = await Promise.all(names.map(metricsOf));
      const leader = names.find((_, index) => samples[index]?.sum('headgate_leader') === 1);
      if (leader === undefined) throw new Error('no operator leads');
      return { leader, standby: names.find((name) => name !== leader) ?? null };
    },
    forward: (pod, port) => forward(kubeconfig, pod, port),
  };
}

async function forward(kubeconfig: string, pod: string, port: number): Promise<Forwarded> {
  const args = ['kubectl', 'port-forward', '-n', headgateNamespace, `pod/${pod}`, `:${port}`];
  const child = spawn(findKubernetesBinary(), args, {
    env: childEnvironment({ KUBECONFIG: kubeconfig }),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const line = await linesOf(child.stdout).next((text) => text.startsWith('Forwarding from 127.'));
  return {
    port: Number(line.match(/127\.0\.0\.1:(\d+)/)?.[1]),
    [Symbol.dispose]: () => child.kill(),
  };
}
