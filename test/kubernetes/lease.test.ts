import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createLeadership, type Tenure } from '../../operator/kubernetes/leadership.ts';
import { pathOf, resourceTypes } from '../../operator/kubernetes/resource-types.ts';
import { silentLog } from '../../runtime/log.ts';
import { childEnvironment } from '../support/environment.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { startKubeRelay } from '../support/kube-relay.ts';
import { linesOf } from '../support/lines.ts';
import { openApi } from '../support/open-api.ts';
import { createScope } from '../support/teardowns.ts';

const scope = createScope();
let kube: KubeApi;
test.before(async () => {
  kube = await startKubeApi(scope);
});
test.after.always(() => scope.close());

/** Less than what holds in a cluster. */
const timing = { durationMs: 6000, renewWithinMs: 4000, retryMs: 200 };
/** Long enough for a busy machine, where it is not about running out. */
const unhurried = { durationMs: 30_000, renewWithinMs: 20_000, retryMs: 200 };

async function makeNamespace(): Promise<string> {
  const namespace = `lease-${randomUUID()}`;
  await kube.kubectl('create', 'namespace', namespace);
  return namespace;
}

async function contend(
  t: ExecutionContext,
  namespace: string,
  identity: string,
  { kubeconfig = kube.kubeconfig, lease = timing } = {},
): Promise<() => Promise<Tenure>> {
  const api = await openApi(t, kubeconfig);
  const leadership = createLeadership({ api, namespace, identity, log: silentLog, timing: lease });
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  return async () => {
    const tenure = await leadership.acquire(ended.signal);
    t.teardown(() => tenure.release());
    return tenure;
  };
}

async function readLease(namespace: string) {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/headgate-operator`;
  return JSON.parse((await kube.request('GET', path)).body).spec;
}

/** Resolves after so many more signs of life. */
async function renewals(t: ExecutionContext, namespace: string, count: number): Promise<void> {
  const api = await openApi(t, kube.kubeconfig);
  const path = pathOf(resourceTypes.leases, { namespace });
  const { resourceVersion } = await api.list(path, {});
  const ended = new AbortController();
  let seen = 0;
  for await (const _ of api.watch(path, { resourceVersion, timeoutSeconds: 60 }, ended.signal)) {
    seen += 1;
    if (seen === count) return;
  }
}

const aborted = (signal: AbortSignal) =>
  signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => undefined);

test('of two contenders one leads, and hands over at once when it stops', async (t) => {
  const namespace = await makeNamespace();
  const first = await (await contend(t, namespace, 'first'))();
  const second = (await contend(t, namespace, 'second'))();
  t.true(first.held());

  const beganAt = performance.now();
  await first.release();
  t.false(first.held());
  const next = await second;

  t.true(next.held());
  t.true(performance.now() - beganAt < timing.durationMs, 'nobody waited for it to run out');
  t.like(await readLease(namespace), { holderIdentity: 'second', leaseTransitions: 1 });
});

test('a lease is renewed for as long as its holder lives', async (t) => {
  const namespace = await makeNamespace();
  const tenure = await (await contend(t, namespace, 'only', { lease: unhurried }))();

  await renewals(t, namespace, 2 * (timing.durationMs / timing.retryMs));

  t.true(tenure.held());
  t.regex((await readLease(namespace)).renewTime, /\.\d{6}Z$/);
});

test('who cannot renew finds out before anybody else can lead', async (t) => {
  const namespace = await makeNamespace();
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const first = await (await contend(t, namespace, 'first', { kubeconfig: relay.kubeconfig }))();
  const second = (await contend(t, namespace, 'second'))();

  relay.holdRequests();
  const order = await Promise.race([
    aborted(first.lost).then(() => 'the first found out'),
    second.then(() => 'two would have led at once'),
  ]);

  t.is(order, 'the first found out');
  t.false(first.held());
  t.true((await second).held());
  t.like(await readLease(namespace), { holderIdentity: 'second' });
});

test('a lease that was taken away is lost', async (t) => {
  const namespace = await makeNamespace();
  const tenure = await (await contend(t, namespace, 'first'))();

  const stolen = { spec: { holderIdentity: 'thief' } };
  const patch = ['patch', 'lease', 'headgate-operator', '--type=merge', '--namespace', namespace];
  await kube.kubectl(...patch, `--patch=${JSON.stringify(stolen)}`);
  await aborted(tenure.lost);

  t.false(tenure.held());
  t.like(await readLease(namespace), stolen.spec);
});

test('a lease that was deleted is not made again behind the back of others', async (t) => {
  const namespace = await makeNamespace();
  const tenure = await (await contend(t, namespace, 'first'))();

  await kube.kubectl('delete', 'lease', 'headgate-operator', '--namespace', namespace);
  await aborted(tenure.lost);

  t.false(tenure.held());
});

test('a renewal whose answer was lost is not mistaken for another operator', async (t) => {
  const namespace = await makeNamespace();
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  const tenure = await (
    await contend(t, namespace, 'first', {
      kubeconfig: relay.kubeconfig,
      lease: unhurried,
    })
  )();
  const { renewTime } = await readLease(namespace);

  relay.dropReplies();
  while ((await readLease(namespace)).renewTime === renewTime);
  relay.cut();
  const { renewTime: lostAnswer } = await readLease(namespace);
  while ((await readLease(namespace)).renewTime === lostAnswer);

  t.true(tenure.held());
});

test('a leader that was stopped beyond its lease does not write when it goes on', async (t) => {
  const namespace = await makeNamespace();
  const holder = startHolder(t, namespace);
  await holder.lines.next((line) => line === 'leads');
  const second = (await contend(t, namespace, 'second'))();

  holder.child.kill('SIGSTOP');
  const next = await second;
  t.true(next.held());
  const before = holder.lines.all.length;
  holder.child.kill('SIGCONT');
  await holder.lines.next((line) => line === 'lost');

  const since = holder.lines.all.slice(before);
  t.deepEqual(
    since.filter((line) => line === 'would write'),
    [],
  );
  t.true(next.held());
});

/** A process that leads, and would write all the time. */
function startHolder(t: ExecutionContext, namespace: string) {
  const program = join(import.meta.dirname, '../support/hold-lease.ts');
  const child: ChildProcess = spawn(process.execPath, [program, kube.kubeconfig, namespace], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: childEnvironment(),
  });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  if (child.stdout === null) throw new Error('no output');
  return { child, lines: linesOf(child.stdout) };
}
