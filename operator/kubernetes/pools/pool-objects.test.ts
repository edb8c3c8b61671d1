import test from 'ava';
import { isRecord } from '../../../contracts/json.ts';
import { defaultPool } from '../pools-config.ts';
import { type PoolWish, poolObjects, poolSecret } from './pool-objects.ts';

const wish: PoolWish = {
  ...defaultPool,
  namespace: 'headgate-system',
  pool: 'edge',
  image: 'headgate:0.1.0',
  natsUrl: 'nats://headgate-nats:4222',
  logName: 'headgate',
  drainMs: 30_000,
  live: null,
};

const labels = {
  'app.kubernetes.io/name': 'headgate',
  'app.kubernetes.io/component': 'dataplane',
  'headgate.dev/pool': 'edge',
};

function deploymentOf(of: PoolWish) {
  const deployment = poolObjects(of).find(({ kind }) => kind === 'Deployment');
  if (deployment === undefined || !isRecord(deployment['spec'])) throw new Error('no Deployment');
  return { ...deployment, spec: deployment['spec'] };
}

test('a pool is a ServiceAccount, a Deployment, a budget and a Service to scrape, all labelled', (t) => {
  const objects = poolObjects(wish);

  t.deepEqual(
    objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    [
      'ServiceAccount/headgate-pool-edge',
      'Deployment/headgate-pool-edge',
      'PodDisruptionBudget/headgate-pool-edge',
      'Service/headgate-pool-edge-metrics',
    ],
  );
  for (const { metadata } of objects) {
    t.deepEqual(metadata.labels, {
      ...labels,
      'app.kubernetes.io/managed-by': 'headgate-operator',
    });
  }
  t.like(objects[0], { automountServiceAccountToken: false });
  t.like(objects[2], { spec: { maxUnavailable: 1, selector: { matchLabels: labels } } });
  t.like(objects[3], {
    spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'metrics', port: 9127 }] },
  });
});

test('pods of a pool run without rights, one more at a time, and find their credentials', (t) => {
  const { spec } = deploymentOf(wish);

  t.deepEqual(spec, {
    replicas: 2,
    revisionHistoryLimit: 3,
    selector: { matchLabels: labels },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: 'headgate-pool-edge',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 40,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_532,
          runAsGroup: 65_532,
          fsGroup: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
          sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
        },
        topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
          (topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: labels },
            matchLabelKeys: ['pod-template-hash'],
          }),
        ),
        containers: [
          {
            name: 'headgate',
            image: 'headgate:0.1.0',
            imagePullPolicy: 'IfNotPresent',
            args: ['dist/dataplane/main.js'],
            env: [
              { name: 'HEADGATE_POOL', value: 'edge' },
              {
                name: 'HEADGATE_POD_NAME',
                valueFrom: { fieldRef: { fieldPath: 'metadata.name' } },
              },
              { name: 'HEADGATE_NATS_URL', value: 'nats://headgate-nats:4222' },
              { name: 'HEADGATE_CREDENTIALS', value: '/etc/headgate/credentials' },
              { name: 'HEADGATE_LOG_NAME', value: 'headgate' },
              { name: 'HEADGATE_WORKERS', value: '1' },
              { name: 'HEADGATE_ADMIN', value: '0.0.0.0:9127' },
              { name: 'HEADGATE_ACCESS_LOG', value: '-' },
              { name: 'HEADGATE_LOG_LEVEL', value: 'info' },
            ],
            ports: [{ name: 'admin', containerPort: 9127, protocol: 'TCP' }],
            livenessProbe: {
              httpGet: { path: '/healthz', port: 9127 },
              timeoutSeconds: 5,
              periodSeconds: 10,
              failureThreshold: 6,
            },
            readinessProbe: {
              httpGet: { path: '/readyz', port: 9127 },
              timeoutSeconds: 5,
              periodSeconds: 2,
              failureThreshold: 3,
            },
            resources: { requests: { cpu: '100m', memory: '128Mi' } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            volumeMounts: [
              { name: 'credentials', mountPath: '/etc/headgate/credentials', readOnly: true },
            ],
          },
        ],
        volumes: [
          {
            name: 'credentials',
            secret: { secretName: 'headgate-pool-edge', defaultMode: 0o440 },
          },
        ],
      },
    },
  });
});

test('what an administrator says of a pool reaches its pods', (t) => {
  const { spec } = deploymentOf({
    ...wish,
    replicas: null,
    nodeSelector: { disk: 'fast' },
    tolerations: [{ key: 'edge', operator: 'Exists' }],
    podAnnotations: { team: 'us' },
    priorityClassName: 'high',
  });

  t.false('replicas' in spec);
  t.like(spec, {
    template: {
      metadata: { annotations: { team: 'us' } },
      spec: {
        nodeSelector: { disk: 'fast' },
        tolerations: [{ key: 'edge', operator: 'Exists' }],
        priorityClassName: 'high',
      },
    },
  });
});

test('a drain that becomes shorter does not replace the pods, a new image does and takes it along', (t) => {
  const graceOf = (of: PoolWish) => {
    const { template } = deploymentOf(of).spec as { template: { spec: Record<string, unknown> } };
    return template.spec['terminationGracePeriodSeconds'];
  };
  const { metadata } = deploymentOf({ ...wish, drainMs: 300_000 });
  const live = { metadata: { ...metadata, resourceVersion: '1' } };

  t.is(graceOf({ ...wish, live }), 310);
  t.is(graceOf({ ...wish, live, image: 'headgate:0.2.0' }), 40);
});

test('the Secret of a pool says of its material nothing that could be guessed from', (t) => {
  const one = poolSecret('headgate-system', 'edge', { 'nats.creds': 'a', 'seal.keys': 'b' });
  const other = poolSecret('headgate-system', 'edge', { 'seal.keys': 'd', 'nats.creds': 'c' });
  const fewer = poolSecret('headgate-system', 'edge', { 'nats.creds': 'a' });

  t.deepEqual(one['data'], { 'nats.creds': 'YQ==', 'seal.keys': 'Yg==' });
  t.deepEqual(one.metadata, other.metadata);
  t.notDeepEqual(one.metadata, fewer.metadata);
});
