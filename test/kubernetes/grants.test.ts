import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { KubernetesSourceOptions } from '../../operator/kubernetes/kubernetes-source.ts';
import type { CrossReference } from '../../operator/reference-grants.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { openSource, type SourceWorld } from '../support/kubernetes-source.ts';
import { openApi } from '../support/open-api.ts';
import {
  type GrantVersion,
  grantsName,
  installReferenceGrants,
  referenceGrant,
} from '../support/reference-grants.ts';
import { createScope } from '../support/teardowns.ts';

/** One API server for all, and one definition: so one after the other. */
const scope = createScope();
let shared: KubeApi;
test.before(async () => {
  shared = await startKubeApi(scope, { crds: true });
});
test.after.always(() => scope.close());

const installDefinition = (...served: readonly GrantVersion[]) =>
  installReferenceGrants(shared, ...served);
const removeDefinition = () => shared.kubectl('delete', 'crd', grantsName, '--ignore-not-found');

type World = SourceWorld & { readonly reference: CrossReference };

async function openWorld(
  t: ExecutionContext,
  kubeconfig = shared.kubeconfig,
  options: Partial<KubernetesSourceOptions> = {},
): Promise<World> {
  const namespace = `team-${randomUUID()}`;
  await shared.kubectl('create', 'namespace', namespace);
  const reference = { kind: 'MirrorRoute', from: 'team-a', namespace, name: 'shop' } as const;
  return { ...(await openSource(t, await openApi(t, kubeconfig), options)), reference };
}

/** Lets routes of team-a refer to Services of the namespace. */
const grant = ({ reference: { namespace } }: World, to: object = {}, version?: GrantVersion) =>
  shared.apply(referenceGrant({ from: 'team-a', namespace, to, version }));

const revoke = ({ reference: { namespace } }: World) =>
  shared.kubectl('delete', 'referencegrant', 'routes', '--namespace', namespace);

/** Asks again after each word of it until it is as expected. */
async function until({ source, told, reference }: World, expected: RegExp | null): Promise<void> {
  for (;;) {
    const refused = await source.refuseReference(reference).catch(() => undefined);
    if (expected === null && refused === null) return;
    if (expected?.test(refused?.message ?? '') === true) return;
    await told.next(`grants ${reference.namespace}`);
  }
}

/** Does something, and waits until it is told. */
async function toldOf({ told, reference }: World, act: () => Promise<unknown>): Promise<void> {
  const line = `grants ${reference.namespace}`;
  const before = told.all.length;
  await act();
  while (!told.all.slice(before).includes(line)) await told.next(line);
}

const isMissing = /no ReferenceGrant there permits it/;
const isNotInstalled = /this cluster has no ReferenceGrants/;

test.serial('a grant that comes, changes and goes is told', async (t) => {
  await installDefinition('v1', 'v1beta1');
  const world = await openWorld(t);
  const refused = await world.source.refuseReference(world.reference);
  t.like(refused, { found: false, denied: true });
  t.regex(refused?.message ?? '', isMissing);
  t.is(refused?.forbidden, undefined);

  await toldOf(world, () => grant(world));
  await until(world, null);
  await toldOf(world, () => grant(world, { name: 'cart' }));
  await until(world, isMissing);
  await toldOf(world, () => grant(world, { name: 'shop' }));
  await until(world, null);
  await toldOf(world, () => revoke(world));
  await until(world, isMissing);
});

test.serial('a grant of another namespace is no grant here', async (t) => {
  await installDefinition('v1');
  const [world, other] = [await openWorld(t), await openWorld(t)];
  await grant(other);

  await until(other, null);

  t.regex((await world.source.refuseReference(world.reference))?.message ?? '', isMissing);
});

for (const version of ['v1', 'v1beta1'] as const) {
  test.serial(`the definition may come later, go again, and serve ${version} only`, async (t) => {
    await removeDefinition();
    const world = await openWorld(t);
    const refused = await world.source.refuseReference(world.reference);
    t.like(refused, { found: false, denied: true });
    t.regex(refused?.message ?? '', isNotInstalled);

    await toldOf(world, () => installDefinition(version));
    await until(world, isMissing);
    await grant(world, {}, version);
    await until(world, null);
    const ungranted = { ...world, reference: { ...world.reference, namespace: 'default' } };
    await until(ungranted, isMissing);
    await toldOf(ungranted, removeDefinition);
    await until(ungranted, isNotInstalled);
    await until(world, isNotInstalled);
  });
}

test.serial('a cluster may change the version it serves', async (t) => {
  await installDefinition('v1beta1');
  const world = await openWorld(t);
  await grant(world, {}, 'v1beta1');
  await until(world, null);

  await installDefinition('v1');
  await grant(world, { name: 'cart' });
  await until(world, isMissing);
  await grant(world);
  await until(world, null);

  t.pass();
});

/** Everything a source reads, but for what is left out here. */
async function bind(of: string, ...resources: readonly string[]): Promise<void> {
  const all =
    'namespaces,configmaps,services,endpointslices.discovery.k8s.io,forwardproxies.headgate.dev,mirrorroutes.headgate.dev';
  await shared.kubectl('delete', 'clusterrole', of, '--ignore-not-found');
  await shared.kubectl(
    ...['create', 'clusterrole', of, '--verb=get,list,watch'],
    `--resource=${[all, ...resources].join(',')}`,
  );
}

async function operatorOf(): Promise<{ readonly role: string; readonly kubeconfig: string }> {
  const role = `operator-${randomUUID()}`;
  await shared.kubectl('create', 'serviceaccount', role, '--namespace', 'default');
  await shared.kubectl(
    ...['create', 'clusterrolebinding', role, '--clusterrole', role],
    `--serviceaccount=default:${role}`,
  );
  return { role, kubeconfig: await shared.kubeconfigOf('default', role) };
}

const definitions = 'customresourcedefinitions.apiextensions.k8s.io';

test.serial(
  'without the right to read grants it is said which is missing, and that nobody knows',
  async (t) => {
    await installDefinition('v1');
    const { role, kubeconfig } = await operatorOf();
    await bind(role);
    const world = await openWorld(t, kubeconfig);
    await grant(world);

    const blind = await world.source.refuseReference(world.reference);
    await bind(role, definitions);
    await until(world, /needs list and watch of referencegrants\.gateway\.networking\.k8s\.io\)/);
    const halfBlind = await world.source.refuseReference(world.reference);
    await bind(role, definitions, grantsName);
    await until(world, null);

    t.like(blind, { denied: true, forbidden: true });
    t.regex(blind?.message ?? '', /list and watch of the CustomResourceDefinition referencegrants/);
    t.like(halfBlind, { denied: true, forbidden: true });
  },
);

test.serial('what was granted stays when the right to read grants is withdrawn', async (t) => {
  await installDefinition('v1');
  const { role, kubeconfig } = await operatorOf();
  await bind(role, definitions, grantsName);
  // The server is asked anew every other second.
  const timing = { firstPauseMs: 20, longestPauseMs: 100, watchSeconds: 1 };
  const world = await openWorld(t, kubeconfig, { timing });
  await grant(world);
  await until(world, null);

  await bind(role);
  const other = { ...world, reference: { ...world.reference, from: 'team-c' } };
  await until(other, /Headgate may not read who permits it/);

  t.like(await world.source.refuseReference(other.reference), { denied: true, forbidden: true });
  t.is(await world.source.refuseReference(world.reference), null);
});
