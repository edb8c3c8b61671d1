import {
  clusterNames,
  clusterPorts,
  natsServerDirectories as directories,
  secretKeys,
} from '../../contracts/cluster-names.ts';
import type { EmbeddedServer } from '../install.ts';
import { addObject, containerSecurity, type Part, podSecurity, selectorOf } from '../objects.ts';

const name = clusterNames.nats;
const labels = selectorOf('nats');

/** One NATS server for trying out, which nothing but operator and pods can reach. */
export const addNats: Part = (scope, { namespace, nats }) => {
  if (nats.type === 'external') return;
  const metadata = { name, namespace, labels };
  const selector = { matchLabels: labels };

  addObject(scope, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: {
      serviceName: name,
      replicas: 1,
      selector,
      template: { metadata: { labels }, spec: podSpec(nats) },
      ...volumeClaims(nats),
    },
  });
  addObject(scope, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      selector: labels,
      ports: [{ name: 'nats', port: clusterPorts.nats, targetPort: 'nats' }],
    },
  });
  addObject(scope, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: selector,
      // No egress is listed, so there is none: a server without neighbours has nobody to call.
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [selectorOf('operator'), selectorOf('dataplane')].map((matchLabels) => ({
            podSelector: { matchLabels },
          })),
          ports: [{ protocol: 'TCP', port: 'nats' }],
        },
      ],
    },
  });
};

function podSpec(nats: EmbeddedServer) {
  const onDisk = nats.storage === null ? [{ name: 'data', emptyDir: { sizeLimit: '4Gi' } }] : [];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity,
    terminationGracePeriodSeconds: 30,
    containers: [
      {
        name: 'nats',
        image: nats.image,
        imagePullPolicy: 'IfNotPresent',
        args: [`--config=${directories.config}/${secretKeys.serverConfig}`],
        env: [{ name: 'GOMEMLIMIT', value: '400MiB' }],
        ports: [
          { name: 'nats', containerPort: clusterPorts.nats },
          { name: 'monitor', containerPort: clusterPorts.natsMonitor },
        ],
        ...probes,
        resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '512Mi' } },
        securityContext: containerSecurity,
        volumeMounts: [
          { name: 'config', mountPath: directories.config, readOnly: true },
          { name: 'data', mountPath: directories.data },
        ],
      },
    ],
    volumes: [
      // Made by the operator at its first start; until then the pod waits.
      {
        name: 'config',
        secret: { secretName: clusterNames.natsServerSecret, defaultMode: 0o440 },
      },
      ...onDisk,
    ],
  };
}

const probes = {
  startupProbe: { ...get('/healthz'), periodSeconds: 1, failureThreshold: 120 },
  livenessProbe: { ...get('/healthz?js-enabled-only=true'), periodSeconds: 10, timeoutSeconds: 5 },
  readinessProbe: { ...get('/healthz?js-server-only=true'), periodSeconds: 5, timeoutSeconds: 5 },
};

function get(path: string) {
  return { httpGet: { path, port: 'monitor' } };
}

function volumeClaims({ storage }: EmbeddedServer) {
  if (storage === null) return {};
  const { size, className } = storage;
  const spec = {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: size } },
    ...(className === null ? {} : { storageClassName: className }),
  };
  return { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec }] };
}
