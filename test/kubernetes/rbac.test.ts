import test from 'ava';
import { App, Yaml } from 'cdk8s';
import { Headgate } from '../../cdk8s/constructs.ts';
import type { HeadgateProps } from '../../cdk8s/install.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { fileScope } from '../support/scope.ts';

const started = startWithTeams();

async function startWithTeams(): Promise<KubeApi> {
  const api = await startKubeApi(fileScope());
  for (const namespace of ['team-a', 'team-b']) await api.kubectl('create', 'ns', namespace);
  await install(api);
  return api;
}

const own = 'headgate-system';

/** Who is anybody in the cluster may do as much: ask what they are and what the API is. */
const ofEverybody = [
  'selfsubjectaccessreviews.authorization.k8s.io [] [create]',
  'selfsubjectreviews.authentication.k8s.io [] [create]',
  'selfsubjectrulesreviews.authorization.k8s.io [] [create]',
];

const everywhere = [
  'forwardproxies.headgate.dev [] [get list watch]',
  'mirrorroutes.headgate.dev [] [get list watch]',
  'forwardproxies.headgate.dev/status [] [patch]',
  'mirrorroutes.headgate.dev/status [] [patch]',
  'customresourcedefinitions.apiextensions.k8s.io [forwardproxies.headgate.dev] [get]',
  'customresourcedefinitions.apiextensions.k8s.io [mirrorroutes.headgate.dev] [get]',
  'namespaces [kube-system] [get]',
  'events.events.k8s.io [] [create patch]',
  'endpointslices.discovery.k8s.io [] [list watch]',
  'referencegrants.gateway.networking.k8s.io [] [get list watch]',
  'customresourcedefinitions.apiextensions.k8s.io [referencegrants.gateway.networking.k8s.io] [list watch]',
];

/** Of its own namespace it may read and write them. */
const elsewhere = [...everywhere, 'services [] [list watch]'];

const inItsOwnNamespace = [
  'deployments.apps [] [get list watch create patch delete]',
  'poddisruptionbudgets.policy [] [get list watch create patch delete]',
  'services [] [list watch get create patch delete]',
  'serviceaccounts [] [get list watch create patch delete]',
  'secrets [] [get list watch create patch delete]',
  'configmaps [headgate-pools] [get list watch]',
  'pods [] [list watch]',
  'leases.coordination.k8s.io [] [create]',
  'leases.coordination.k8s.io [headgate-operator] [get update]',
];

const secrets = 'secrets [] [get list watch]';

test('the operator may do what is listed here, and nothing else', async (t) => {
  const api = await started;

  const here = await rightsOf(api, operatorOf(own), own);
  const there = await rightsOf(api, operatorOf(own), 'team-a');

  t.deepEqual(here, [...ofEverybody, ...everywhere, ...inItsOwnNamespace].sort());
  t.deepEqual(there, [...ofEverybody, ...elsewhere, secrets].sort());
});

test('with its namespaces named, the operator reads no Secret of any other', async (t) => {
  const api = await started;
  const namespace = 'headgate-narrow';
  await install(api, { namespace, secretNamespaces: ['team-a'] });
  const operator = operatorOf(namespace);

  const named = await rightsOf(api, operator, 'team-a');
  const others = await rightsOf(api, operator, 'team-b');

  t.deepEqual(named, [...ofEverybody, ...elsewhere, secrets].sort());
  t.deepEqual(others, [...ofEverybody, ...elsewhere].sort());
  t.is(await canI(api, operator, 'get', 'secrets', '--all-namespaces'), 'no');
});

const denied = [
  ['create', 'pods', `--namespace=${own}`],
  ['create', 'pods', '--subresource=exec', `--namespace=${own}`],
  ['create', 'pods', '--subresource=portforward', `--namespace=${own}`],
  ['delete', 'pods', `--namespace=${own}`],
  ['create', 'serviceaccounts', '--subresource=token', `--namespace=${own}`],
  ['get', 'leases/another', `--namespace=${own}`],
  ['update', 'leases/another', `--namespace=${own}`],
  ['delete', 'leases/headgate-operator', `--namespace=${own}`],
  ['update', 'configmaps', `--namespace=${own}`],
  ['create', 'statefulsets.apps', `--namespace=${own}`],
  ['create', 'rolebindings.rbac.authorization.k8s.io', `--namespace=${own}`],
  ['create', 'deployments.apps', '--namespace=team-a'],
  ['create', 'services', '--namespace=team-a'],
  ['get', 'pods', '--namespace=team-a'],
  ['get', 'configmaps', '--namespace=team-a'],
  ['patch', 'secrets', '--namespace=team-a'],
  ['delete', 'secrets', '--namespace=team-a'],
  ['update', 'forwardproxies.headgate.dev', '--namespace=team-a'],
  ['patch', 'forwardproxies.headgate.dev', '--namespace=team-a'],
  ['delete', 'forwardproxies.headgate.dev', '--namespace=team-a'],
  ['get', 'nodes'],
  ['list', 'namespaces'],
  ['get', 'namespaces/default'],
  ['get', 'customresourcedefinitions.apiextensions.k8s.io/another.example.com'],
  ['delete', 'customresourcedefinitions.apiextensions.k8s.io/forwardproxies.headgate.dev'],
  ['escalate', 'clusterroles.rbac.authorization.k8s.io'],
  ['bind', 'clusterroles.rbac.authorization.k8s.io'],
  ['impersonate', 'users'],
  ['create', 'tokenreviews.authentication.k8s.io'],
] as const;

for (const question of denied) {
  test(`the operator may not ${question.join(' ')}`, async (t) => {
    const api = await started;

    t.is(await canI(api, operatorOf(own), ...question), 'no');
  });
}

const allowed = [
  ['patch', 'forwardproxies.headgate.dev', '--subresource=status', '--namespace=team-a'],
  ['watch', 'forwardproxies.headgate.dev', '--all-namespaces'],
  ['watch', 'secrets', '--namespace=team-a'],
  ['create', 'events.events.k8s.io', '--namespace=team-a'],
  ['patch', 'deployments.apps', `--namespace=${own}`],
  ['update', 'leases.coordination.k8s.io/headgate-operator', `--namespace=${own}`],
] as const;

for (const question of allowed) {
  test(`the operator may ${question.join(' ')}`, async (t) => {
    const api = await started;

    t.is(await canI(api, operatorOf(own), ...question), 'yes');
  });
}

test('the ServiceAccounts of pools and of NATS may do nothing at all', async (t) => {
  const api = await started;

  for (const account of ['headgate-pool-default', 'default']) {
    const user = `system:serviceaccount:${own}:${account}`;

    t.deepEqual(await rightsOf(api, user, own), ofEverybody);
    t.deepEqual(await rightsOf(api, user, 'team-a'), ofEverybody);
  }
});

test('who may edit a namespace may edit its proxies, and who may view it sees them', async (t) => {
  const api = await startKubeApi(t, { controllers: true });
  await install(api);
  await api.kubectl('create', 'namespace', 'shop');
  for (const role of ['view', 'edit']) {
    const bound = ['--user', role, '--clusterrole', role, '--namespace=shop'];
    await api.kubectl('create', 'rolebinding', role, ...bound);
  }

  const proxies = 'forwardproxies.headgate.dev';
  await untilYes(api, 'edit', 'create', proxies, '--namespace=shop');
  await untilYes(api, 'view', 'list', proxies, '--namespace=shop');

  t.is(await canI(api, 'view', 'create', proxies, '--namespace=shop'), 'no');
  t.is(await canI(api, 'edit', 'create', proxies, '--namespace=default'), 'no');
  const status = [proxies, '--subresource=status', '--namespace=shop'] as const;
  t.is(await canI(api, 'edit', 'patch', ...status), 'no');
});

const operatorOf = (namespace: string) => `system:serviceaccount:${namespace}:headgate-operator`;

async function install(api: KubeApi, props: HeadgateProps = {}): Promise<void> {
  const chart = new Headgate(new App(), 'headgate', props);
  await api.apply(Yaml.stringify(...chart.toJson()));
}

async function canI(api: KubeApi, user: string, ...question: readonly string[]): Promise<string> {
  const { stdout, stderr } = await api.tryKubectl(['auth', 'can-i', ...question, '--as', user]);
  return stdout.trim() || stderr;
}

/** Roles are put together a moment after a part of them is there. */
async function untilYes(api: KubeApi, ...question: readonly [string, ...string[]]): Promise<void> {
  while ((await canI(api, ...question)) !== 'yes');
}

/** All that a user may do with objects in a namespace: `resource [names] [verbs]`. */
async function rightsOf(api: KubeApi, user: string, namespace: string): Promise<string[]> {
  const as = ['--as', user, '--namespace', namespace];
  const printed = await api.kubectl('auth', 'can-i', '--list', '--no-headers', ...as);
  return printed
    .split('\n')
    .filter((line) => /^[a-z]/.test(line))
    .map((line) => line.replace(/\s+\[\]\s+/, ' ').replaceAll(/\s+/g, ' '))
    .sort();
}
