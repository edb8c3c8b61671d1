import { clusterAnnotations, clusterLabels } from '../../../contracts/cluster-names.ts';
import { formatKey, type ResourceKey } from '../../../contracts/resource-key.ts';
import type { Listener } from '../../kinds/decider.ts';
import { type Manifest, ourLabels, withWish } from './manifest.ts';
import { podLabels } from './pod-template.ts';

export type ServiceWish = {
  readonly namespace: string;
  readonly name: string;
  readonly key: ResourceKey;
  readonly uid: string;
  readonly pool: string;
  readonly listeners: readonly Listener[];
};

/**
 * Where the clients of a resource connect; `null` if no client of another pod could. It stands
 * beside the pods: a Service selects only in its own namespace.
 */
export function resourceService(wish: ServiceWish): Manifest | null {
  const { namespace, name, key, uid, pool, listeners } = wish;
  const ports = portsOf(listeners);
  if (ports.length === 0) return null;
  return withWish({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: { ...ourLabels, [clusterLabels.ownerUid]: uid },
      annotations: { [clusterAnnotations.owner]: formatKey(key) },
    },
    spec: { type: 'ClusterIP', sessionAffinity: 'None', selector: podLabels(pool), ports },
  });
}

function portsOf(listeners: readonly Listener[]) {
  const reachable = listeners.filter(({ address }) => !isLoopback(address));
  return reachable
    .filter(({ port }, index) => reachable.findIndex((other) => other.port === port) === index)
    .map(({ listener, port }) => ({ name: listener, protocol: 'TCP', port, targetPort: port }));
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || /^(0*:)+0*1$/.test(address);
}
