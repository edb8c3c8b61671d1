import { clusterLabels, clusterPorts } from '../../../contracts/cluster-names.ts';
import type { KubernetesObject } from '../objects.ts';
import {
  templateAnnotation as annotation,
  gracePeriodSeconds,
  templateNote,
} from './grace-period.ts';
import { type Manifest, ourLabels, shortDigest, withWish } from './manifest.ts';
import { metricsServiceName, poolObjectName } from './names.ts';
import { type PodSettings, podLabels, podTemplate } from './pod-template.ts';

export type PoolWish = PodSettings & {
  readonly namespace: string;
  /** The longest that connections of the pool may take to drain. */
  readonly drainMs: number;
  /** The Deployment as it is; `null`: there is none. */
  readonly live: KubernetesObject | null;
};

/** What stands around the pods of a pool but for its Secret, in the order in which it is needed. */
export function poolObjects(wish: PoolWish): readonly Manifest[] {
  return [
    withWish(serviceAccount(wish)),
    withWish(deployment(wish)),
    withWish(disruptionBudget(wish)),
    withWish(metricsService(wish)),
  ];
}

/** What the pods of a pool find in their credentials directory. */
export function poolSecret(
  namespace: string,
  pool: string,
  files: Readonly<Record<string, string>>,
): Manifest {
  const data = Object.entries(files)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => [name, Buffer.from(text).toString('base64')]);
  return withWish({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(namespace, pool),
    type: 'Opaque',
    data: Object.fromEntries(data),
  });
}

function metadataOf(namespace: string, pool: string, name = poolObjectName(pool)) {
  return { name, namespace, labels: { ...ourLabels, [clusterLabels.pool]: pool } };
}

/** Of its own, so that nobody who gives rights to `default` gives them to pods that face clients. */
function serviceAccount({ namespace, pool }: PoolWish): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadataOf(namespace, pool),
    automountServiceAccountToken: false,
  };
}

function deployment(wish: PoolWish): Manifest {
  const { namespace, pool, replicas, drainMs, live } = wish;
  const template = podTemplate(wish);
  const digest = shortDigest(template);
  const seconds = gracePeriodSeconds(drainMs, digest, live?.metadata.annotations?.[annotation]);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...metadataOf(namespace, pool),
      annotations: { [annotation]: templateNote(digest, seconds) },
    },
    spec: {
      ...(replicas === null ? {} : { replicas }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: podLabels(pool) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        ...template,
        spec: { ...template.spec, terminationGracePeriodSeconds: seconds },
      },
    },
  };
}

function disruptionBudget({ namespace, pool }: PoolWish): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(namespace, pool),
    spec: {
      maxUnavailable: 1,
      // A pod that is not ready protects nobody, and must not keep a node from being emptied.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: podLabels(pool) },
    },
  };
}

/** Leads a scraper to each pod by itself, also while it starts or drains. */
function metricsService({ namespace, pool }: PoolWish): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(namespace, pool, metricsServiceName(pool)),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: podLabels(pool),
      ports: [
        {
          name: 'metrics',
          protocol: 'TCP',
          port: clusterPorts.admin,
          targetPort: clusterPorts.admin,
        },
      ],
    },
  };
}
