import test from 'ava';
import bcrypt from 'bcrypt';
import { team } from '../support/control-plane.ts';
import { applyCrds, type KubeApi } from '../support/kube-api.ts';
import { startLoadedPlane } from '../support/loaded-plane.ts';
import { operatorNamespace } from '../support/operator-process.ts';
import { freePorts, isOpen } from '../support/ports.ts';
import { wordOf } from '../support/proxy-versions.ts';

const account = `${operatorNamespace}:headgate-operator`;
const crd = 'crd/forwardproxies.headgate.dev';
const finalizer = (names: readonly string[]) =>
  `--patch=${JSON.stringify({ metadata: { finalizers: names } })}`;

test.serial(
  'the definition is deleted and applied again: nothing is removed from the pods, and what comes back is configured again',
  async (t) => {
    const names = ['one', 'two'];
    const plane = await startLoadedPlane(t, names);
    const { kube, load, operator } = plane;
    const patch = ['patch', 'forwardproxy', 'one', '--namespace', team, '--type=merge'];
    await kube.kubectl(...patch, finalizer(['test/keeps-it']));

    await kube.kubectl('delete', crd, '--wait=false');
    await kube.kubectl('wait', '--for=condition=Terminating', crd, '--timeout=60s');
    await kube.kubectl('wait', '--for=delete', 'forwardproxy/two', '--namespace', team);
    await load.more(50);
    await kube.kubectl(...patch, finalizer([]));
    await kube.kubectl('wait', '--for=delete', crd, '--timeout=60s');
    await operator.said('a part of the cluster cannot be read');
    await load.more(50);
    const recorded = await plane.entries();
    t.false(recorded.some(({ event }) => event.type.includes('removed')));

    const backMs = performance.now();
    await applyCrds(kube);
    await plane.makeAgain(...names);
    t.log(`served anew ${Math.round(performance.now() - backMs)} ms after the definition`);
    await plane.audit();
  },
);

test.serial(
  'the rights of the operator are taken and given back: nothing is removed, and edits made meanwhile arrive',
  async (t) => {
    const plane = await startLoadedPlane(t, ['one', 'two', 'gone'], { isRestricted: true });
    const { kube, operator } = plane;

    await kube.kubectl('delete', 'clusterrolebinding', 'headgate-operator');
    await untilAllowed(kube, 'no', 'patch', 'forwardproxies.headgate.dev', '--subresource=status');
    await Promise.all([plane.edit('two'), plane.remove('gone')]);
    await operator.said('statuses could not be written');
    await operator.said('whether a resource is gone cannot be told');
    await plane.load.more(50);
    t.true(await isOpen(plane.portOf('gone')));
    const backMs = performance.now();
    await kube.kubectl(
      ...['create', 'clusterrolebinding', 'headgate-operator', '--clusterrole=headgate-operator'],
      `--serviceaccount=${account}`,
    );
    await plane.settled('one', 'two');
    t.log(`edits served and shown ${Math.round(performance.now() - backMs)} ms after the rights`);
    while (await isOpen(plane.portOf('gone')));
    t.log(`removed ${Math.round(performance.now() - backMs)} ms after the rights`);

    await plane.audit();
  },
);

test.serial(
  'a Secret that may not be read is named with the right that is missing, and the version before stays',
  async (t) => {
    const plane = await startLoadedPlane(t, ['one'], { isRestricted: true });
    const { kube, watched } = plane;
    const [port = 0] = await freePorts(1);
    const users = `--from-literal=auth=alice:${await bcrypt.hash('open-sesame', 4)}`;
    for (const name of ['users', 'others']) {
      await kube.kubectl('create', 'secret', 'generic', name, users, '--namespace', team);
    }
    const guard = (name: string) =>
      plane.applyProxy('guarded', port, {
        authentication: { mode: 'Basic', basic: { secretRef: { name } } },
      });
    await guard('users');
    await plane.programmed('guarded', 1);

    const binding = ['rolebinding', 'headgate-operator-secrets', '--namespace', team];
    await kube.kubectl('delete', ...binding);
    await untilAllowed(kube, 'no', 'list', 'secrets');
    await guard('others');

    const refused = await watched.until('guarded', (proxy) =>
      wordOf(proxy, 'ResolvedRefs').startsWith('False'),
    );
    t.is(wordOf(refused, 'ResolvedRefs'), 'False/SecretNotFound');
    const condition = refused.status?.conditions.find(({ type }) => type === 'ResolvedRefs');
    t.regex(
      condition?.message ?? '',
      /may not read Secret team-a\/others: its ServiceAccount needs list and watch of secrets in namespace team-a/,
    );
    t.is(wordOf(refused, 'Programmed'), 'True/Programmed');
    t.is(refused.status?.observedGeneration, 2);
    t.true(await isOpen(port));

    await kube.kubectl(
      ...['create', ...binding, '--role=headgate-operator-secrets', `--serviceaccount=${account}`],
    );
    await plane.programmed('guarded', 2);
    t.deepEqual(await plane.story('guarded'), ['configured@1', 'rejected@2', 'configured@2']);
    await plane.audit();
  },
);

/** Until the operator may, or may not, do this in the namespace. */
async function untilAllowed(
  { tryKubectl }: KubeApi,
  answer: 'yes' | 'no',
  ...what: readonly string[]
): Promise<void> {
  const as = `--as=system:serviceaccount:${account}`;
  const ask = ['auth', 'can-i', ...what, as, '--namespace', team];
  while ((await tryKubectl(ask)).stdout.trim() !== answer);
}
