import { writeFile } from 'node:fs/promises';
import { jetstreamManager, type StreamAPI } from '@nats-io/jetstream';
import { App, Yaml } from 'cdk8s';
import { Headgate } from '../../cdk8s/constructs.ts';
import { isRecord } from '../../contracts/json.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { createNatsAccess, natsMaterialOf } from '../../event-log/nats-access.ts';
import { watchUntil } from './cluster.ts';
import { type KubeApi, type KubeApiOptions, startKubeApi } from './kube-api.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { connectUnrestricted } from './nats-users.ts';
import {
  type OperatorProcess,
  operatorNamespace,
  startOperatorProcess,
} from './operator-process.ts';
import {
  type MountedSecret,
  mountSecret,
  type PodProcess,
  startPodProcess,
} from './pod-process.ts';
import type { Scope } from './teardowns.ts';

const subjects = createSubjects();
const longestWait = '--timeout=120s';

export type ControlPlane = {
  readonly kube: KubeApi;
  readonly nats: NatsServer;
  /** Another operator, or the next one after one was stopped; standing by or leading. */
  startOperator(env?: Readonly<Record<string, string>>): Promise<OperatorProcess>;
  /** A pod of pool `default`, with the Secret the operator made for it. There has to be a resource in it. */
  startPod(
    name: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<PodProcess & { readonly mounted: MountedSecret }>;
  /** Applies a ForwardProxy that listens on 127.0.0.1; `more` goes into its spec. */
  applyProxy(name: string, port: number, more?: object): Promise<void>;
  /** Resolves with the object once `Programmed` is True at `generation`. */
  programmed(name: string, generation: number): Promise<Readonly<Record<string, unknown>>>;
  /** The log, as the operator reaches it. */
  openLog(): Promise<Awaited<ReturnType<typeof openJetStreamEventLog>>>;
  /** Everything the log keeps, read as the operator. */
  entries(): Promise<readonly LogEntry[]>;
  /** As no user of ours may: with a user made from the account's seed, whom nothing restricts. */
  administerStreams(): Promise<StreamAPI>;
  /** Short words for the effective events of one resource, in order: `configured@2`, `removed`. */
  story(name: string): Promise<readonly string[]>;
};

export const team = 'team-a';

export type ControlPlaneOptions = {
  /** Settings of every operator. */
  readonly env?: Readonly<Record<string, string>>;
  /** Operators have the rights of the manifests and no others; else they are administrators. */
  readonly isRestricted?: boolean;
};

/**
 * Headgate as in a cluster, each part a real process: an API server, NATS as the operator configures
 * it (users by JWT), operators, and pods that nobody schedules. Gone with the test.
 */
export async function startControlPlane(
  t: Scope,
  {
    env = {},
    isRestricted = false,
    ...options
  }: Partial<KubeApiOptions> & ControlPlaneOptions = {},
): Promise<ControlPlane & { readonly operator: OperatorProcess }> {
  const kube = await startKubeApi(t, { crds: true, controllers: true, ...options });
  await kube.kubectl('create', 'namespace', operatorNamespace);
  await kube.kubectl('create', 'namespace', team);
  const operatorsKube = isRestricted ? { kubeconfig: await restrictOperator(kube) } : kube;
  // Its port first: the operator is told where NATS will be, and then says how it has to be set up.
  const nats = await startNatsServer(t);
  const operatorEnv = { HEADGATE_NATS_EMBEDDED: 'true', ...env };
  const startOperator = (more: Readonly<Record<string, string>> = {}) =>
    startOperatorProcess(t, operatorsKube, nats.url, { ...operatorEnv, ...more });
  await nats.kill();
  const operator = await startOperator();
  await configure(kube, nats);
  await nats.start();
  await operator.said('leading');

  async function startPod(name: string, podEnv: Readonly<Record<string, string>> = {}) {
    const secret = 'headgate-pool-default';
    await waitForCreation(kube, `secret/${secret}`);
    const mounted = await mountSecret(t);
    await mounted.write(await readSecret(kube, secret));
    const pod = await startPodProcess(t, {
      HEADGATE_POOL: 'default',
      HEADGATE_POD_NAME: name,
      HEADGATE_NATS_URL: nats.url,
      HEADGATE_CREDENTIALS: mounted.directory,
      HEADGATE_DRAIN_GRACE_SECONDS: '1',
      ...podEnv,
    });
    return { ...pod, mounted };
  }

  async function openLog() {
    const files = await readSecret(kube, 'headgate-nats');
    const access = createNatsAccess(() => natsMaterialOf((key) => files[key] ?? null), subjects, {
      is: 'operator',
    });
    const connection = { servers: nats.url, ...access };
    return await openJetStreamEventLog({ connection, subjects });
  }

  async function entries(): Promise<readonly LogEntry[]> {
    await using log = await openLog();
    return await Array.fromAsync(log.history(['headgate.>'], new AbortController().signal));
  }

  return {
    kube,
    nats,
    operator,
    startOperator,
    startPod,
    openLog,
    entries,
    async administerStreams() {
      const { 'account-signing.seed': seed = '' } = await readSecret(kube, 'headgate-nats');
      const connection = await connectUnrestricted(nats.url, seed);
      t.teardown(() => connection.close());
      return (await jetstreamManager(connection, { checkAPI: false })).streams;
    },
    applyProxy: async (name, port, more = {}) => {
      await kube.apply(proxyOn(name, port, more), '--namespace', team);
    },
    async programmed(name, generation) {
      const object = ['forwardproxy', name, '--namespace', team];
      const found = await watchUntil(kube.kubeconfig, object, (one) =>
        isProgrammed(one, generation),
      );
      return found as Readonly<Record<string, unknown>>; // `isProgrammed` looked
    },
    async story(name) {
      const own = (await entries()).filter(
        ({ event }) => event.subject === `ForwardProxy/${team}/${name}`,
      );
      return own.flatMap(({ event: { type, data } }) => {
        const [, , , what = ''] = type.split('.');
        if (what === 'removed') return ['removed'];
        return isRecord(data) ? [`${what}@${data['generation']}`] : [];
      });
    },
  };
}

/** The rights of the manifests; answers a kubeconfig of who has them. */
async function restrictOperator(kube: KubeApi): Promise<string> {
  const chart = new Headgate(new App(), 'headgate', { secretNamespaces: [team] });
  const objects = chart.toJson() as readonly { kind: string }[];
  const rights = /^(ServiceAccount|(Cluster)?Role(Binding)?)$/;
  await kube.apply(Yaml.stringify(...objects.filter(({ kind }) => rights.test(kind))));
  return await kube.kubeconfigOf(operatorNamespace, 'headgate-operator');
}

/** Whether `Programmed` is True and speaks of this generation. */
export function isProgrammed(object: unknown, generation: number): boolean {
  const status = isRecord(object) ? object['status'] : null;
  const conditions = isRecord(status) ? status['conditions'] : null;
  return (
    Array.isArray(conditions) &&
    conditions.some(
      ({ type, status: is, observedGeneration }) =>
        type === 'Programmed' && is === 'True' && observedGeneration === generation,
    )
  );
}

function proxyOn(name: string, port: number, more: object): string {
  return JSON.stringify({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { name },
    spec: {
      listeners: [{ name: 'all', port, address: '127.0.0.1' }],
      connect: { allowedPorts: ['1-65535'] },
      egress: { addressPolicy: { allowCIDRs: ['127.0.0.0/8'] } },
      ...more,
    },
  });
}

export async function readSecret(
  kube: KubeApi,
  name: string,
): Promise<Readonly<Record<string, string>>> {
  const text = await kube.kubectl('get', 'secret', name, '-n', operatorNamespace, '-o', 'json');
  const { data } = JSON.parse(text) as { data: Readonly<Record<string, string>> };
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

async function waitForCreation(kube: KubeApi, object: string): Promise<void> {
  await kube.kubectl('wait', '--for=create', object, '-n', operatorNamespace, longestWait);
}

/** As the operator wants it, except for where it listens and keeps its streams. */
async function configure(
  kube: KubeApi,
  { configFile, port, storeDirectory }: NatsServer,
): Promise<void> {
  await waitForCreation(kube, 'secret/headgate-nats-server');
  const { 'nats.conf': text = '' } = await readSecret(kube, 'headgate-nats-server');
  const adapted = text
    .replace(/^listen: .*$/m, `listen: "127.0.0.1:${port}"`)
    .replace(/^http: .*\n/m, '')
    .replace(/^(\s*store_dir): .*$/m, `$1: "${storeDirectory}"`);
  await writeFile(configFile, adapted);
}
