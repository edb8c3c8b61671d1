import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { createNatsAccess } from '../../event-log/nats-access.ts';
import {
  createNatsKeys,
  type NatsKeys,
  publicKeyOf,
  signAccounts,
} from '../../event-log/nats-accounts.ts';
import { guestApiPrefix, type NatsRole } from '../../event-log/nats-permissions.ts';
import { natsServerConfig } from '../../event-log/nats-server-config.ts';
import { mintUser } from '../../event-log/nats-users.ts';
import { type Cluster, useCluster } from '../support/cluster.ts';
import { childEnvironment } from '../support/environment.ts';
import { configured, spoken, writtenLog } from '../support/explained-log.ts';
import { findKubernetesBinary } from '../support/kubernetes-binary.ts';
import { noMaterial } from '../support/nats-users.ts';
import { run } from '../support/run.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');
const subjects = createSubjects();

/** A NATS server of the test's own, as the operator sets one up, with a log that was written to. */
async function startLog(t: ExecutionContext, cluster: Cluster): Promise<void> {
  const keys = createNatsKeys();
  const config = natsServerConfig({
    trust: await signAccounts(keys, subjects),
    listen: '0.0.0.0:4222',
    monitor: null,
    storeDirectory: '/data',
    tlsDirectory: null,
  });
  const objects = [
    secret('nats-config', { 'nats.conf': config }),
    secret('headgate-reader', { 'nats.creds': await mint(keys, { is: 'reader' }) }),
    natsPod,
    natsService,
    egressService,
    silentPod,
  ];
  await cluster.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  await cluster.waitFor('condition=Ready', 'pod/headgate-nats-0');

  const port = await cluster.forward('service/headgate-nats', 4222);
  const servers = `nats://127.0.0.1:${port}`;
  const openAs = async (role: NatsRole) => {
    const material = { ...noMaterial, creds: await mint(keys, role) };
    const access = createNatsAccess(() => material, subjects, role);
    const log = await openJetStreamEventLog({ connection: { servers, ...access }, subjects });
    t.teardown(() => log[Symbol.asyncDispose]());
    return log;
  };
  const versions = [configured('egress', 1), configured('egress', 2)];
  const written = await writtenLog(await openAs({ is: 'operator' }), versions);
  const applied = written.sequences.at(-1) ?? 0;
  const { acknowledgements } = await openAs({ is: 'pool', pool: 'default' });
  await acknowledgements.send(spoken('pod-1', written, { applied }));
}

function mint(keys: NatsKeys, role: NatsRole): Promise<string> {
  const isGuest = role.is !== 'operator';
  const signingSeed = isGuest ? keys.guests : keys.account;
  const account = publicKeyOf(signingSeed);
  const apiPrefix = isGuest ? { apiPrefix: guestApiPrefix } : {};
  return mintUser({ signingSeed, account, subjects, role, ...apiPrefix });
}

const labels = { 'app.kubernetes.io/name': 'headgate', 'app.kubernetes.io/component': 'nats' };

const secret = (name: string, stringData: Record<string, string>) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData },
});

const natsPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'headgate-nats-0', labels },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'nats',
        image: 'nats:2.15.1',
        imagePullPolicy: 'Never',
        args: ['--config=/etc/nats/nats.conf'],
        readinessProbe: { tcpSocket: { port: 4222 }, periodSeconds: 1 },
        volumeMounts: [
          { name: 'config', mountPath: '/etc/nats' },
          { name: 'data', mountPath: '/data' },
        ],
      },
    ],
    volumes: [
      { name: 'config', secret: { secretName: 'nats-config' } },
      { name: 'data', emptyDir: {} },
    ],
  },
};

const natsService = {
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'headgate-nats' } },
  spec: { selector: labels, ports: [{ port: 4222 }] },
};

/** What an operator puts around pods: a Service, and a pod that finds no node. */
const egressService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'fp-team-a-egress',
    labels: { 'headgate.dev/owner-uid': '0b1f2a90-egress' },
    annotations: { 'headgate.dev/owner': 'ForwardProxy/team-a/egress' },
  },
  spec: { ports: [{ name: 'main', port: 3128 }] },
};

const silentPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'pod-2',
    labels: { 'app.kubernetes.io/component': 'dataplane', 'headgate.dev/pool': 'default' },
  },
  spec: {
    nodeSelector: { nowhere: 'to-be-found' },
    containers: [{ name: 'headgate', image: 'headgate:0.1.0' }],
  },
};

/** `kubectl headgate …`, with our plugin where kubectl looks for plugins. */
async function usePlugin(t: ExecutionContext, cluster: Cluster) {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-plugin-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await symlink(headgate, join(directory, 'kubectl-headgate'));
  const path = `${directory}${delimiter}${childEnvironment()['PATH']}`;
  return {
    directory,
    plugin: (kubeconfig: string, ...args: string[]) =>
      run(
        findKubernetesBinary(),
        ['kubectl', 'headgate', ...args, '--headgate-namespace', cluster.namespace],
        {
          env: { PATH: path, KUBECONFIG: kubeconfig },
        },
      ),
  };
}

test('kubectl headgate reads the log of a cluster through a port-forward, as one who may only read', async (t) => {
  const cluster = await useCluster(t);
  await startLog(t, cluster);
  const { plugin } = await usePlugin(t, cluster);

  const events = await plugin(cluster.kubeconfig, 'events', 'team-a/egress');
  t.is(events.code, 0, events.stderr);
  t.is(events.stdout.match(/ForwardProxyConfigured +ForwardProxy\/team-a\/egress/g)?.length, 2);

  const resource = await plugin(
    ...([cluster.kubeconfig, 'explain', 'resource', 'fp/egress', '-n', 'team-a'] as const),
  );
  t.is(resource.code, 0, resource.stderr);
  t.regex(resource.stdout, /in force +sequence 3, generation 2, since \S+ \(\w+\), by kubectl/);
  t.regex(resource.stdout, /pod-1 +default +3 +2 +3/);
  t.regex(resource.stdout, /pod-2 +default +unknown +has not spoken lately/);
  t.regex(resource.stdout, /Service +\S+\/fp-team-a-egress at 10\.\S+, main 3128\n/);

  const pod = await plugin(cluster.kubeconfig, 'explain', 'pod', 'pod-1', '-o', 'json');
  t.like(JSON.parse(pod.stdout), {
    ...{ pod: 'pod-1', applied: 3, confirmed: true },
    resources: [{ resource: 'ForwardProxy/team-a/egress', runs: { sequence: 3 } }],
  });
});

test('who may not forward ports is told which verbs on what are needed', async (t) => {
  const cluster = await useCluster(t);
  await startLog(t, cluster);
  const { plugin, directory } = await usePlugin(t, cluster);
  await cluster.kubectl('create', 'serviceaccount', 'looker');
  await cluster.kubectl('create', 'role', 'looker', '--verb=get,list', '--resource=secrets,pods');
  const account = `${cluster.namespace}:looker`;
  await cluster.kubectl(
    ...['create', 'rolebinding', 'looker', '--role=looker', `--serviceaccount=${account}`],
  );
  const kubeconfig = join(directory, 'kubeconfig');
  await copyFile(cluster.kubeconfig, kubeconfig);
  const user = await cluster.kubectl('config', 'view', '-o', 'jsonpath={.users[0].name}');
  const of = ['config', '--kubeconfig', kubeconfig, 'set'];
  await cluster.kubectl(...of, `users.${user}.act-as`, `system:serviceaccount:${account}`);

  const { code, stderr } = await plugin(kubeconfig, 'events');

  t.is(code, 1, stderr);
  t.regex(stderr, /forbidden: .*create on pods\/portforward in namespace/);
});
