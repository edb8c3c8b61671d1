import { isConflict, type KubernetesApi } from '../../../operator/kubernetes/api.ts';
import { pathOf } from '../../../operator/kubernetes/resource-types.ts';

const type = { group: 'headgate.dev', version: 'v1alpha1', plural: 'forwardproxies' };

export const benchNamespace = 'bench';

/** All of the benchmark's resources. */
export const collection = pathOf(type, { namespace: benchNamespace });

export const pathTo = (name: string) => pathOf(type, { namespace: benchNamespace, name });

/** What is edited while it is measured. */
export const probe = { name: 'probe', port: 10_000 } as const;

/** Number 1 listens on port 10001, and so on. */
export const nameOf = (number: number) => `proxy-${number}`;
const firstPort = 10_000;
const attempts = 10;

export type Answer = 'Allow' | 'Deny';

/** A ForwardProxy of usual size. */
export function forwardProxy(name: string, port: number, answer: Answer = 'Deny') {
  return {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { name, namespace: benchNamespace },
    spec: {
      listeners: [{ name: 'all', port, address: '::' }],
      connect: { allowedPorts: [443] },
      egress: egress(answer),
      accessLog: { enabled: false },
    },
  };
}

/** Whoever asks for 127.0.0.1 is refused with 403, or finds nobody there. */
export function egress(answer: Answer) {
  return {
    defaultAction: 'Deny',
    rules: [
      { name: 'apis', action: 'Allow', hosts: ['*.example.com'], ports: [443] },
      { name: 'edited', action: answer, ports: [9] },
    ],
    addressPolicy: { allowCIDRs: ['127.0.0.0/8'] },
  };
}

/** Creates numbers `from` to `to` with so many requests at once; nothing waits between them. */
export async function createProxies(
  api: KubernetesApi,
  { from, to, atOnce = 32 }: { from: number; to: number; atOnce?: number },
): Promise<void> {
  let next = from;
  async function work(): Promise<void> {
    while (next <= to) {
      const number = next++;
      await createOne(api, number);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** An API server that has too much to do is asked again, as any client would. */
async function createOne(api: KubernetesApi, number: number): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await api.create(collection, forwardProxy(nameOf(number), firstPort + number));
      return;
    } catch (error) {
      if (isConflict(error)) return; // the attempt before was too late only for its answer
      if (attempt === attempts) throw error;
    }
  }
}
