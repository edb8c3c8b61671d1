import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';

/** The namespace of the manifests. */
export const headgateNamespace = 'headgate-system';

const manifests = join(import.meta.dirname, '../../cdk8s/manifests');

/** Everything for trying it out, as `npm run synth` writes it. */
export const readManifest = () => readFile(join(manifests, 'headgate.yaml'), 'utf8');

/** Applies the manifests, whether they are there or not, and waits until an operator leads. */
export async function install(cluster: Cluster): Promise<void> {
  await cluster.apply(await readManifest(), '--force-conflicts');
  await rolledOut(cluster, 'statefulset/headgate-nats');
  await rolledOut(cluster, 'deployment/headgate-operator');
}

export async function rolledOut(cluster: Cluster, object: string): Promise<void> {
  await cluster.kubectl('rollout', 'status', '-n', headgateNamespace, object, '--timeout=180s');
}

/** A web server in the test's namespace that answers every request with its own name; resolves with its address. */
export async function startOrigin(cluster: Cluster, name = 'origin'): Promise<string> {
  const script = `require('http').createServer((q, a) => a.end('${name} ' + q.url + '\\n')).listen(8080)`;
  const container = {
    name: 'origin',
    image: 'headgate-test:1',
    imagePullPolicy: 'Never',
    command: ['node', '-e', script],
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
  };
  const labels = { app: name };
  await cluster.apply(
    [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels },
        spec: { terminationGracePeriodSeconds: 0, containers: [container] },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
      },
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  await cluster.waitFor('condition=Ready', `pod/${name}`);
  return `http://${name}.${cluster.namespace}.svc.cluster.local`;
}

/** A ForwardProxy that reaches pods and Services; `more` goes into its spec. */
export function forwardProxy(name: string, port: number, more: object = {}): string {
  return JSON.stringify({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { name },
    spec: {
      listeners: [{ name: 'all', port }],
      connect: { allowedPorts: [80, 443] },
      egress: { addressPolicy: { allowCIDRs: ['10.0.0.0/8'] } },
      ...more,
    },
  });
}

/** The address of a ForwardProxy's Service, as pods reach it. */
export function proxyUrl({ namespace }: Cluster, name: string, port: number): string {
  return `http://fp-${namespace}-${name}.${headgateNamespace}.svc.cluster.local:${port}`;
}
