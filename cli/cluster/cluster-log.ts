import { clusterLabels, clusterNames, clusterPorts } from '../../contracts/cluster-names.ts';
import { isRecord } from '../../contracts/json.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { type NatsMaterial, natsMaterialOf } from '../../event-log/nats-access.ts';
import { isNotFound } from '../../operator/kubernetes/api.ts';
import type { KubernetesObject } from '../../operator/kubernetes/objects.ts';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { CommandFailed } from '../exit-codes.ts';
import type { OpenedLog } from '../open-log.ts';
import { connectNatsLog } from '../open-nats-log.ts';
import type { Place } from '../place.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { type ForwardedPort, forwardPort } from './port-forward.ts';

type ClusterLogPlace = Extract<Place, { is: 'cluster' }>;

/** The log of a cluster, through its API server: a user that may read, and a port of a NATS pod. */
export async function openClusterLog(place: ClusterLogPlace): Promise<OpenedLog> {
  await using opening = new AsyncDisposableStack();
  const cluster = opening.use(await openCluster(place));
  const material = await readerOf(cluster);
  const pod = await natsPodOf(cluster);
  const forwarded = opening.use(
    await forwardPort({
      config: cluster.config,
      namespace: cluster.headgateNamespace,
      pod,
      port: clusterPorts.nats,
    }),
  );
  const log = opening.use(
    await connectNatsLog(place.logName, `nats://127.0.0.1:${forwarded.port}`, material, {
      ignoreClusterUpdates: true,
      // The certificate is one for the name that pods use.
      serverName: clusterNames.nats,
    }).catch((error: unknown) => {
      throw explained(error, forwarded, cluster, pod);
    }),
  );
  const opened = opening.move();
  return { ...log, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

/** The operator makes this user; it may look and nothing more. */
async function readerOf({ api, headgateNamespace }: Cluster): Promise<NatsMaterial> {
  const name = clusterNames.readerSecret;
  const secret = await api
    .get(pathOf(resourceTypes.secrets, { namespace: headgateNamespace, name }))
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      throw new LogUnavailable(
        `there is no Secret ${headgateNamespace}/${name}, with which the log is read: the operator makes it where Headgate runs (--headgate-namespace), unless NATS and its users are yours: then use --nats URL --creds FILE`,
        { cause: error },
      );
    });
  const data = isRecord(secret['data']) ? secret['data'] : {};
  return natsMaterialOf((key) => {
    const value = data[key];
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : null;
  });
}

async function natsPodOf({ api, headgateNamespace: namespace }: Cluster): Promise<string> {
  const { items } = await api.list(pathOf(resourceTypes.pods, { namespace }), {
    labelSelector: `${clusterLabels.name}=headgate,${clusterLabels.component}=nats`,
  });
  const ready = items.find(isReady);
  if (ready !== undefined) return ready.metadata.name;
  throw new LogUnavailable(
    items.length === 0
      ? `there is no NATS pod in ${namespace}: the log is outside of the cluster, or Headgate is in another namespace (--headgate-namespace); say where NATS is with --nats URL --creds FILE`
      : `no NATS pod in ${namespace} is ready: ${items.map(({ metadata }) => metadata.name).join(', ')}`,
  );
}

export function isReady({ metadata, status }: KubernetesObject): boolean {
  if (metadata.deletionTimestamp !== undefined || !isRecord(status)) return false;
  const conditions = Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions
    .filter(isRecord)
    .some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True');
}

/** That NATS closed the connection says nothing: why the way there is blocked does. */
function explained(
  error: unknown,
  forwarded: ForwardedPort,
  { headgateNamespace }: Cluster,
  pod: string,
): unknown {
  const problem = forwarded.problem();
  if (problem === null || !(error instanceof LogUnavailable)) return error;
  const where = `${headgateNamespace}/${pod}`;
  if (problem.includes('403')) {
    return new CommandFailed(
      'refused',
      `forbidden: to reach NATS one needs the verbs get and create on pods/portforward in namespace ${headgateNamespace} (pod ${where})`,
    );
  }
  return new LogUnavailable(`the port-forward to pod ${where} failed: ${problem}`, {
    cause: error,
  });
}
