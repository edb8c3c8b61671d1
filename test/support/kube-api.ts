import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from './environment.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { findKubernetesBinary } from './kubernetes-binary.ts';
import { freePorts } from './ports.ts';
import type { Scope } from './teardowns.ts';

export type KubeApi = Kubectl & {
  readonly url: string;
  /** A file for an administrator (`system:masters`). */
  readonly kubeconfig: string;
  /** The administrator's bearer token, and the certificate that the server is checked against. */
  readonly token: string;
  readonly caFile: string;
  /** `kill -9` of the API server; etcd stays, and so does what it was told. */
  kill(): Promise<void>;
  /** After `kill`: the same address, the same objects. */
  start(): Promise<void>;
  /** `kill -9` of etcd, and its next start with what it had. */
  killEtcd(): Promise<void>;
  startEtcd(): Promise<void>;
  /** Makes etcd forget everything but the newest version of each object. */
  compact(): Promise<void>;
  /** SIGSTOP and SIGCONT of the API server: it is there and does not answer. */
  pause(): void;
  resume(): void;
  /** A kubeconfig file for a ServiceAccount, with what RBAC gives it and nothing more. */
  kubeconfigOf(namespace: string, serviceAccount: string): Promise<string>;
  /** One request as the administrator; `body` goes as JSON unless it has a type of its own. */
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>;
};

export type Answer = { readonly status: number; readonly body: string };

export type KubeApiOptions = {
  /** Apply `crds/` and wait until they are served. */
  readonly crds?: boolean;
  /** Namespaces end, owned objects are collected, ServiceAccounts are made. There are no nodes. */
  readonly controllers?: boolean;
  /** Further flags of kube-apiserver, as `--min-request-timeout=1`. */
  readonly flags?: readonly string[];
};

const longestStartMs = 60_000;

const controllersOfTests = [
  'namespace-controller',
  'garbage-collector-controller',
  'serviceaccount-controller',
  'root-ca-certificate-publisher-controller',
  'clusterrole-aggregation-controller',
];

/** A real etcd and kube-apiserver for one test, on loopback, with RBAC; gone with the test. */
export async function startKubeApi(
  t: Scope,
  { crds = false, controllers = false, flags = [] }: KubeApiOptions = {},
): Promise<KubeApi> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-kube-api-'));
  const at = (file: string) => join(directory, file);
  const ports = await freePorts(3);
  const [port = 0, etcdPort = 0, peerPort = 0] = ports;
  const url = `https://127.0.0.1:${port}`;
  const token = randomUUID();
  const caFile = at('pki/apiserver.crt');
  const kubeconfig = at('kubeconfig');
  await writeFile(at('tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  await writeFile(kubeconfig, kubeconfigWith(url, caFile, token), { mode: 0o600 });
  await writeServiceAccountKeys(directory);

  const children = new Map<string, ChildProcess>();
  t.teardown(async () => {
    await Promise.all([...children.values()].map(end));
    await rm(directory, { recursive: true, force: true });
  });

  function spawnProgram(name: string, args: readonly string[]): void {
    const log = openSync(at(`${name}.log`), 'a');
    const stdio = ['ignore', log, log] as const;
    const child = spawn(findKubernetesBinary(), [name, ...args], {
      stdio: [...stdio],
      env: childEnvironment(),
    });
    children.set(name, child);
  }

  async function start(): Promise<void> {
    spawnProgram('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      ...['--bind-address=127.0.0.1', `--secure-port=${port}`, `--cert-dir=${at('pki')}`],
      // Nobody reaches this server through the Service `kubernetes`.
      '--endpoint-reconciler-type=none',
      ...[`--token-auth-file=${at('tokens.csv')}`, '--authorization-mode=RBAC'],
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${at('sa.pub')}`,
      `--service-account-signing-key-file=${at('sa.key')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      // Without the controller that makes ServiceAccounts, no pod object could be written.
      ...(controllers ? [] : ['--disable-admission-plugins=ServiceAccount']),
      ...flags,
    ]);
    await untilReady();
  }

  async function untilReady(): Promise<void> {
    const deadline = performance.now() + longestStartMs;
    for (;;) {
      const child = children.get('kube-apiserver');
      if (await isReady()) return;
      if (child?.exitCode !== null || performance.now() > deadline) {
        const log = readFileSync(at('kube-apiserver.log'), 'utf8');
        throw new Error(`kube-apiserver is not ready: ${log.slice(-2_000)}`);
      }
      await delay(50);
    }
  }

  async function isReady(): Promise<boolean> {
    try {
      const answers = await Promise.all(
        ['/readyz', '/api/v1/namespaces/default'].map((path) => ask('GET', path)),
      );
      return answers.every(({ status }) => status === 200);
    } catch {
      return false;
    }
  }

  const ask: KubeApi['request'] = async (method, path, body, contentType = 'application/json') => {
    const ca = await readFile(caFile);
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType };
    const asked = request(`${url}${path}`, { method, ca, headers, agent: false });
    asked.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    const [response] = await once(asked, 'response');
    return { status: response.statusCode, body: await text(response) };
  };

  const admin = createKubectl(kubeconfig);
  const apiServer = () => children.get('kube-apiserver');

  const spawnEtcd = () =>
    spawnProgram('etcd', [
      `--data-dir=${at('etcd')}`,
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      // It may be killed, but the machine lives on: what it wrote is kept.
      ...['--unsafe-no-fsync', '--log-level=warn'],
    ]);

  spawnEtcd();
  await start();
  if (controllers) {
    spawnProgram('kube-controller-manager', [
      ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'],
      `--service-account-private-key-file=${at('sa.key')}`,
      ...[`--root-ca-file=${caFile}`, `--controllers=${controllersOfTests.join(',')}`],
    ]);
  }
  if (crds) await applyCrds(admin);

  return {
    ...admin,
    url,
    kubeconfig,
    token,
    caFile,
    start,
    request: ask,
    kill: () => end(apiServer()),
    killEtcd: () => end(children.get('etcd')),
    async startEtcd() {
      spawnEtcd();
      await untilReady();
    },
    compact: () => compactEtcd(`http://127.0.0.1:${etcdPort}`),
    pause: () => void apiServer()?.kill('SIGSTOP'),
    resume: () => void apiServer()?.kill('SIGCONT'),
    async kubeconfigOf(namespace, serviceAccount) {
      const of = await admin.kubectl('create', 'token', serviceAccount, '--namespace', namespace);
      const file = at(`kubeconfig-${randomUUID()}`);
      await writeFile(file, kubeconfigWith(url, caFile, of.trim()), { mode: 0o600 });
      return file;
    },
  };
}

/** Applies `crds/` and waits until the API server serves the kinds. */
export async function applyCrds({ kubectl }: Pick<Kubectl, 'kubectl'>): Promise<void> {
  const directory = join(import.meta.dirname, '../../crds');
  await kubectl('apply', '--server-side', '--filename', directory);
  const established = ['--for=condition=Established', '--timeout=60s', '--recursive=false'];
  await kubectl('wait', ...established, '--filename', directory);
}

/** Over etcd's JSON gateway; the key only serves to learn the newest revision. */
async function compactEtcd(url: string): Promise<void> {
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const said = await answer.text();
    if (!answer.ok) throw new Error(`etcd ${path}: ${said}`);
    return said;
  };
  const { header } = JSON.parse(await post('/v3/kv/range', { key: btoa('x') }));
  await post('/v3/kv/compaction', { revision: header.revision, physical: true });
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function writeServiceAccountKeys(directory: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  await writeFile(join(directory, 'sa.pub'), publicKey);
  await writeFile(join(directory, 'sa.key'), privateKey, { mode: 0o600 });
}

function kubeconfigWith(server: string, caFile: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
