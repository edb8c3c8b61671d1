import { clusterAnnotations, clusterLabels } from '../../contracts/cluster-names.ts';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { ApiError, isNotFound } from '../../operator/kubernetes/api.ts';
import type { KubernetesObject } from '../../operator/kubernetes/objects.ts';
import { typeOfKind } from '../../operator/kubernetes/our-types.ts';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { readStatus } from '../../operator/kubernetes/status-object.ts';
import type { KnownPod } from '../explain/pods.ts';
import type { ClusterFacts } from '../explain/report.ts';
import type { Surroundings } from '../explain/surroundings.ts';
import type { ClusterPlace } from '../place.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { isReady } from './cluster-log.ts';

/** What the API server knows of a resource: the object, its Services, pods that may be silent. */
export async function clusterSurroundings(place: ClusterPlace): Promise<Surroundings> {
  const { namespace } = await using(place, async (cluster) => cluster);
  return {
    namespace,
    of: (key) =>
      using(place, async (cluster) => {
        const caveats: string[] = [];
        const object = await objectOf(cluster, key);
        const services = await unlessForbidden(servicesOf(cluster, key), [], caveats);
        const knownPods = await unlessForbidden(podsOf(cluster), null, caveats);
        const propagation = readStatus(object?.['status'])?.propagation ?? null;
        const generation = object?.metadata.generation ?? null;
        return { propagation, cluster: { generation, services }, knownPods, caveats };
      }),
  };
}

async function using<T>(place: ClusterPlace, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  await using cluster = await openCluster(place);
  return await use(cluster);
}

async function objectOf({ api }: Cluster, key: ResourceKey): Promise<KubernetesObject | null> {
  const { kind, namespace, name } = key;
  try {
    return await api.get(pathOf(typeOfKind(kind), { namespace, name }));
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function servicesOf(
  { api, headgateNamespace: namespace }: Cluster,
  key: ResourceKey,
): Promise<ClusterFacts['services']> {
  const { items } = await api.list(pathOf(resourceTypes.services, { namespace }), {
    labelSelector: clusterLabels.ownerUid,
  });
  return items
    .filter(({ metadata }) => metadata.annotations?.[clusterAnnotations.owner] === formatKey(key))
    .map(({ metadata, spec }) => {
      const { clusterIP, ports } = isRecord(spec) ? spec : ({} as JsonRecord);
      return {
        service: `${namespace}/${metadata.name}`,
        address: String(clusterIP ?? 'no address'),
        ports: (Array.isArray(ports) ? ports : [])
          .filter(isRecord)
          .map(({ name, port }) => `${name} ${port}`),
      };
    });
}

async function podsOf({
  api,
  headgateNamespace: namespace,
}: Cluster): Promise<readonly KnownPod[]> {
  const { items } = await api.list(pathOf(resourceTypes.pods, { namespace }), {
    labelSelector: `${clusterLabels.component}=dataplane,${clusterLabels.pool}`,
  });
  return items.map((pod) => ({
    name: pod.metadata.name,
    pool: pod.metadata.labels?.[clusterLabels.pool] ?? '',
    ready: isReady(pod),
  }));
}

/** Who may read the log need not be allowed to see what else is there. */
async function unlessForbidden<T>(asked: Promise<T>, otherwise: T, caveats: string[]): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    caveats.push(error.message);
    return otherwise;
  }
}
