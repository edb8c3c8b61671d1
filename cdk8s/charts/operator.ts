import { clusterNames, clusterPorts } from '../../contracts/cluster-names.ts';
import { type Install, operatorVariables } from '../install.ts';
import {
  addObject,
  containerSecurity,
  type Part,
  podSecurity,
  selectorOf,
  spreadOverNodes,
} from '../objects.ts';

const name = clusterNames.operator;
const labels = selectorOf('operator');

/** One operator that leads and others that stand by, and what keeps one of them up. */
export const addOperator: Part = (scope, install) => {
  const { namespace, replicas } = install;
  const metadata = { name, namespace, labels };
  const selector = { matchLabels: labels };

  addObject(scope, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas, selector, template: { metadata: { labels }, spec: podSpec(install) } },
  });
  addObject(scope, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    // One that does not work protects nobody, and must not keep a node from being emptied.
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector },
  });
};

function podSpec(install: Install) {
  return {
    serviceAccountName: name,
    // Said here and refused by the ServiceAccount: no other pod gets its token by mistake.
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    securityContext: podSecurity,
    affinity: spreadOverNodes(labels),
    terminationGracePeriodSeconds: 30,
    containers: [
      {
        name: 'operator',
        image: install.image,
        imagePullPolicy: 'IfNotPresent',
        args: ['dist/operator/main.js'],
        env: environment(install),
        ports: [{ name: 'admin', containerPort: clusterPorts.admin }],
        ...probes,
        resources: {
          requests: { cpu: '50m', memory: '128Mi' },
          limits: { memory: '1Gi' },
        },
        securityContext: containerSecurity,
      },
    ],
  };
}

const probes = {
  startupProbe: { ...get('/healthz'), periodSeconds: 1, failureThreshold: 60 },
  livenessProbe: { ...get('/healthz'), periodSeconds: 10, timeoutSeconds: 5 },
  readinessProbe: { ...get('/readyz'), periodSeconds: 5, timeoutSeconds: 5 },
};

function get(path: string) {
  return { httpGet: { path, port: 'admin' } };
}

function environment(install: Install) {
  return [
    fromPod('HEADGATE_NAMESPACE', 'metadata.namespace'),
    fromPod('HEADGATE_POD_NAME', 'metadata.name'),
    ...Object.entries(operatorVariables(install)).map(([name, value]) => ({ name, value })),
  ];
}

function fromPod(variable: string, fieldPath: string) {
  return { name: variable, valueFrom: { fieldRef: { fieldPath } } };
}
