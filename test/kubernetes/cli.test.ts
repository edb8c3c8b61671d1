import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'ava';
import { childEnvironment } from '../support/environment.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { findKubernetesBinary } from '../support/kubernetes-binary.ts';
import { linesOf } from '../support/lines.ts';
import { run } from '../support/run.ts';
import { createScope } from '../support/teardowns.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');
const secretText = 'not for anybody to see';

/** One API server; each test in namespaces of its own. */
const scope = createScope();
let kube: KubeApi;
let directory: string;

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headgate-cli-cluster-'));
  scope.teardown(() => rm(directory, { recursive: true, force: true }));
  await symlink(headgate, join(directory, 'kubectl-headgate'));
  kube = await startKubeApi(scope, { crds: true });
});
test.after.always(() => scope.close());

const environment = () => ({
  PATH: `${directory}${delimiter}${childEnvironment()['PATH']}`,
  KUBECONFIG: kube.kubeconfig,
});

/** `kubectl headgate …`, found by kubectl on PATH. */
const plugin = (...args: string[]) =>
  run(findKubernetesBinary(), ['kubectl', 'headgate', ...args], { env: environment() });

const proxy = (namespace: string, name: string, port = 3128) => `
apiVersion: headgate.dev/v1alpha1
kind: ForwardProxy
metadata: {name: ${name}, namespace: ${namespace}}
spec: {listeners: [{name: all, port: ${port}}]}
`;

const now = '2026-11-20T12:00:00Z';
const condition = (type: string, status: string, reason: string) => ({
  ...{ type, status, reason, message: `because of ${reason}` },
  ...{ observedGeneration: 1, lastTransitionTime: now },
});

/** As the operator writes it. */
async function setStatus(namespace: string, name: string, acked = 2): Promise<void> {
  const status = {
    observedGeneration: 1,
    configVersion: 12,
    conditions: [
      condition('Accepted', 'True', 'Accepted'),
      condition('Programmed', 'True', 'Programmed'),
    ],
    propagation: {
      ...{ generation: 1, state: 'Complete', publishedAt: now, desired: 2, acked },
      ...{ nacked: 0, unreachable: 0, lagging: [] },
    },
  };
  const path = `/apis/headgate.dev/v1alpha1/namespaces/${namespace}/forwardproxies/${name}/status`;
  const type = 'application/merge-patch+json';
  const { status: code, body } = await kube.request('PATCH', path, { status }, type);
  if (code !== 200) throw new Error(body);
}

test('kubectl headgate get shows the resources of a cluster with their status', async (t) => {
  for (const namespace of ['shown', 'shown-too']) {
    await kube.kubectl('create', 'namespace', namespace);
    await kube.apply(proxy(namespace, 'egress'));
  }
  await kube.apply(proxy('shown', 'new', 3129));
  await setStatus('shown', 'egress');

  const one = await plugin('get', 'fp', '-n', 'shown');
  t.is(one.code, 0, one.stderr);
  t.regex(one.stdout, /^NAMESPACE +NAME +POOL +ACCEPTED +PROGRAMMED +REASON +ACKED +PODS +AGE\n/);
  t.regex(one.stdout, /\nshown +egress +default +True +True +Programmed +2 +2 +\w+\n/);
  t.regex(one.stdout, /\nshown +new +default +Unknown +Unknown +0 +0 +\w+\n/);
  t.notRegex(one.stdout, /shown-too/);

  t.regex((await plugin('get', '-A')).stdout, /\nshown-too +egress /);
  t.regex((await plugin('get', '-A', '-o', 'wide')).stdout, / 12 +because of Programmed\n/);
  const json = JSON.parse(
    (await plugin('get', 'fp', 'egress', '-n', 'shown', '-o', 'json')).stdout,
  );
  t.like(json, {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { name: 'egress', namespace: 'shown', generation: 1 },
    spec: { listeners: [{ name: 'all', port: 3128 }], pool: 'default' },
    status: { configVersion: 12 },
  });
  t.false('managedFields' in json.metadata);
  const yaml = await plugin('get', '-n', 'shown', '-o', 'yaml');
  t.regex(yaml.stdout, /^apiVersion: v1\nkind: List\nitems:\n {2}- apiVersion: headgate\.dev/);
});

test('the namespace is that of the context, unless one is named', async (t) => {
  await kube.kubectl('create', 'namespace', 'current');
  await kube.apply(proxy('current', 'mine'));
  const kubeconfig = JSON.parse(await readFile(kube.kubeconfig, 'utf8'));
  const other = {
    name: 'other',
    context: { ...kubeconfig.contexts[0].context, namespace: 'current' },
  };
  const file = join(directory, 'two-contexts');
  await writeFile(
    file,
    JSON.stringify({ ...kubeconfig, contexts: [...kubeconfig.contexts, other] }),
  );

  const asked = ['get', '--kubeconfig', file];
  t.regex((await run(headgate, [...asked, '--context', 'other'])).stdout, /\ncurrent +mine /);
  t.regex((await run(headgate, asked)).stderr, /No resources found/);
  const unknown = await run(headgate, [...asked, '--context', 'nowhere']);
  t.is(unknown.code, 1);
  t.regex(unknown.stderr, /no context "nowhere"/);
});

test('get --watch goes on with what changes, and says what is removed', async (t) => {
  await kube.kubectl('create', 'namespace', 'watched');
  await kube.apply(proxy('watched', 'egress'));
  const child = spawn(
    findKubernetesBinary(),
    ['kubectl', 'headgate', 'get', 'fp', '-n', 'watched', '--watch'],
    {
      env: childEnvironment(environment()),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  const [stdout, stderr] = [linesOf(child.stdout), linesOf(child.stderr)];
  await stdout.next((line) => /^watched +egress +default +Unknown/.test(line));

  await setStatus('watched', 'egress', 1);
  await stdout.next((line) => /^watched +egress +default +True +True +Programmed +1 +2/.test(line));
  await kube.kubectl('delete', 'forwardproxy', 'egress', '-n', 'watched');
  await stderr.next((line) => line.includes('ForwardProxy/watched/egress was removed'));
  const exited = once(child, 'exit');
  child.kill('SIGINT');

  t.deepEqual(await exited, [0, null]);
  t.is(stdout.all.filter((line) => line.startsWith('NAMESPACE')).length, 1);
});

test('who may not list resources is told which verb on which resource', async (t) => {
  await kube.kubectl('create', 'namespace', 'forbidden');
  await kube.apply(
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
      metadata: { name: 'nobody', namespace: 'forbidden' },
    }),
  );
  const kubeconfig = await kube.kubeconfigOf('forbidden', 'nobody');

  for (const args of [['get', 'fp', '-n', 'forbidden'], ['events']]) {
    const { code, stderr } = await run(headgate, [...args, '--kubeconfig', kubeconfig]);

    t.is(code, 1);
    t.regex(stderr, /cannot (list resource "forwardproxies"|get resource "secrets")/);
  }
});

test('each step on the way to the log says what is missing', async (t) => {
  const system = 'installed';
  await kube.kubectl('create', 'namespace', system);
  const events = () => plugin('events', '--headgate-namespace', system);

  const nothing = await events();
  t.is(nothing.code, 4);
  t.regex(nothing.stderr, /no Secret installed\/headgate-reader.*--headgate-namespace.*--nats URL/);

  await kube.apply(
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Secret', stringData: { 'nats.creds': secretText } },
      metadata: { name: 'headgate-reader', namespace: system },
    }),
  );
  const noPod = await events();
  t.is(noPod.code, 4);
  t.regex(noPod.stderr, /no NATS pod in installed.*--nats URL --creds FILE/);

  await kube.apply(natsPod(system));
  t.regex((await events()).stderr, /no NATS pod in installed is ready: headgate-nats-0/);

  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  const path = `/api/v1/namespaces/${system}/pods/headgate-nats-0/status`;
  await kube.request('PATCH', path, { status }, 'application/merge-patch+json');
  const noNode = await events();
  t.is(noNode.code, 4);
  t.regex(noNode.stderr, /the port-forward to pod installed\/headgate-nats-0 failed/);
  for (const { stdout, stderr } of [nothing, noPod, noNode]) {
    t.false(`${stdout}${stderr}`.includes(secretText));
  }
});

const natsPod = (namespace: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name: 'headgate-nats-0', namespace },
      labels: { 'app.kubernetes.io/name': 'headgate', 'app.kubernetes.io/component': 'nats' },
    },
    spec: { containers: [{ name: 'nats', image: 'nats' }] },
  });

test('an API server that is not there, or not trusted, is said with the code 4', async (t) => {
  const kubeconfig = JSON.parse(await readFile(kube.kubeconfig, 'utf8'));
  const [{ name }] = kubeconfig.clusters;
  const get = async (file: string, cluster: object) => {
    const path = join(directory, file);
    await writeFile(path, JSON.stringify({ ...kubeconfig, clusters: [{ name, cluster }] }));
    return run(headgate, ['get', '--kubeconfig', path]);
  };

  const gone = await get('gone', { server: 'https://127.0.0.1:1' });
  t.is(gone.code, 4);
  t.regex(gone.stderr, /https:\/\/127\.0\.0\.1:1\S*: connect ECONNREFUSED/);

  const untrusted = await get('untrusted', { server: kube.url });
  t.is(untrusted.code, 4);
  t.regex(untrusted.stderr, /not trusted: see certificate-authority/);
});

test('a cluster without Headgate is told from one without resources', async (t) => {
  const bare = await startKubeApi(t);

  const { code, stderr } = await run(headgate, ['get', '--kubeconfig', bare.kubeconfig]);

  t.is(code, 1);
  t.regex(stderr, /does not know the kind \w+: Headgate is not installed there/);
});
