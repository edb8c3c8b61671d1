import {
  clusterLabels,
  clusterPorts,
  credentialsDirectory,
} from '../../../contracts/cluster-names.ts';
import type { PoolSettings } from '../pools-config.ts';
import { ourLabels } from './manifest.ts';
import { poolObjectName } from './names.ts';

/** What is the same for the pods of every pool. */
export type CommonPodSettings = {
  readonly image: string;
  readonly natsUrl: string;
  readonly logName: string;
};

export type PodSettings = CommonPodSettings &
  Omit<PoolSettings, 'namespaces'> & { readonly pool: string };

const user = 65_532;
const credentialsVolume = 'credentials';

/**
 * A pod of a pool: the "restricted" Pod Security Standard holds for it. Its Secret is not part of
 * the template: pods see a changed one by themselves.
 */
export function podTemplate(settings: PodSettings) {
  const { pool, podAnnotations, nodeSelector, tolerations, priorityClassName } = settings;
  const labels = podLabels(pool);
  return {
    metadata: { labels, ...unlessEmpty('annotations', podAnnotations) },
    spec: {
      serviceAccountName: poolObjectName(pool),
      automountServiceAccountToken: false,
      // A Service per resource: as environment variables thousands of them are more than a process may get.
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        fsGroup: user,
        seccompProfile: { type: 'RuntimeDefault' },
        // Ports below 1024 without a capability.
        sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
      },
      ...unlessEmpty('nodeSelector', nodeSelector),
      ...unlessEmpty('tolerations', tolerations),
      ...(priorityClassName === null ? {} : { priorityClassName }),
      topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
        (topologyKey) => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: labels },
          matchLabelKeys: ['pod-template-hash'],
        }),
      ),
      containers: [container(settings)],
      volumes: [
        {
          name: credentialsVolume,
          secret: { secretName: poolObjectName(pool), defaultMode: 0o440 },
        },
      ],
    },
  };
}

/** What selects the pods of a pool; it cannot be changed in a Deployment that exists. */
export function podLabels(pool: string): Readonly<Record<string, string>> {
  return {
    [clusterLabels.name]: ourLabels[clusterLabels.name],
    [clusterLabels.component]: ourLabels[clusterLabels.component],
    [clusterLabels.pool]: pool,
  };
}

/** What was given once and is empty now has to go, and not to become empty. */
function unlessEmpty(field: string, value: object) {
  return Object.keys(value).length === 0 ? {} : { [field]: value };
}

function container(settings: PodSettings) {
  const { pool, image, workers, resources, natsUrl, logName, logLevel, accessLog } = settings;
  return {
    name: 'headgate',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['dist/dataplane/main.js'],
    env: [
      { name: 'HEADGATE_POOL', value: pool },
      { name: 'HEADGATE_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'HEADGATE_NATS_URL', value: natsUrl },
      { name: 'HEADGATE_CREDENTIALS', value: credentialsDirectory },
      { name: 'HEADGATE_LOG_NAME', value: logName },
      { name: 'HEADGATE_WORKERS', value: String(workers) },
      { name: 'HEADGATE_ADMIN', value: `0.0.0.0:${clusterPorts.admin}` },
      { name: 'HEADGATE_ACCESS_LOG', value: accessLog },
      { name: 'HEADGATE_LOG_LEVEL', value: logLevel },
    ],
    ports: [{ name: 'admin', containerPort: clusterPorts.admin, protocol: 'TCP' }],
    livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 3 }),
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: credentialsVolume, mountPath: credentialsDirectory, readOnly: true }],
  };
}

function probe(path: string, often: { periodSeconds: number; failureThreshold: number }) {
  return { httpGet: { path, port: clusterPorts.admin }, timeoutSeconds: 5, ...often };
}
