import test from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { createNatsAccess, natsMaterialOf } from '../../event-log/nats-access.ts';
import {
  type ControlPlane,
  readSecret,
  startControlPlane,
  team,
} from '../support/control-plane.ts';
import { kstatus, type Verdict } from '../support/kstatus.ts';
import { readProxies } from '../support/loaded-plane.ts';
import { operatorNamespace } from '../support/operator-process.ts';
import type { PodProcess } from '../support/pod-process.ts';
import { freePorts } from '../support/ports.ts';
import {
  type ProxyVersions,
  type SeenProxy,
  watchVersions,
  wordOf,
} from '../support/proxy-versions.ts';
import { createScope } from '../support/teardowns.ts';

const subjects = createSubjects();

/** One for all: each test has resources of its own, and leaves the pod as it was. */
const scope = createScope();
let plane: ControlPlane;
let pod: PodProcess;
let watched: ProxyVersions;

test.before(async () => {
  plane = await startControlPlane(scope);
  const pools = 'pools: {default: {}, empty: {}}';
  const make = ['create', 'configmap', 'headgate-pools', `--from-literal=pools.yaml=${pools}`];
  await plane.kube.kubectl(...make, '--namespace', operatorNamespace);
  watched = watchVersions(scope, plane.kube, team);
  await plane.applyProxy('first', await port());
  pod = await plane.startPod('pod-1');
  await plane.programmed('first', 1);
});
test.after.always(() => scope.close());

async function port(): Promise<number> {
  const [one = 0] = await freePorts(1);
  return one;
}

const isProgrammed = (generation: number) => (proxy: SeenProxy) =>
  proxy.status?.observedGeneration === generation &&
  wordOf(proxy, 'Programmed') === 'True/Programmed';

/** What its status was written for, since a version of it. */
function statusWrites(after: SeenProxy): readonly SeenProxy[] {
  const own = watched.seen.filter(({ metadata }) => metadata.uid === after.metadata.uid);
  const since = own.findIndex(
    ({ metadata }) => metadata.resourceVersion === after.metadata.resourceVersion,
  );
  return own
    .slice(since)
    .filter(
      ({ status }, index, all) =>
        index > 0 && JSON.stringify(status) !== JSON.stringify(all[index - 1]?.status),
    );
}

test.serial(
  'each version costs three writes of its status at most, and an apply that changes nothing none',
  async (t) => {
    const own = await port();
    await plane.applyProxy('counted', own);
    await plane.programmed('counted', 1);
    const first = watched.seen.find(({ metadata }) => metadata.name === 'counted');
    if (first === undefined) return t.fail();
    const atMost = first.status === undefined ? 3 : 2;
    const settled = await watched.until('counted', isProgrammed(1));
    t.true(statusWrites(first).length <= atMost);

    await plane.applyProxy('counted', own);
    await plane.applyProxy('other', await port());
    await plane.programmed('other', 1);
    const [same] = (await readProxies(plane)).filter(({ metadata }) => metadata.name === 'counted');
    t.is(same?.metadata.resourceVersion, settled.metadata.resourceVersion);

    await plane.applyProxy('counted', own, { timeouts: { connect: '2s' } });
    await watched.until('counted', isProgrammed(2));
    t.true(statusWrites(settled).length <= 3);
  },
);

test.serial('in each state, what kstatus makes of it is true', async (t) => {
  const verdicts: Record<string, Verdict> = {};
  const note = (state: string, proxy: SeenProxy) => {
    verdicts[state] = kstatus(proxy);
  };
  const [good, taken] = [await port(), await port()];
  await plane.applyProxy('good', good);
  note('programmed', await watched.until('good', isProgrammed(1)));

  await plane.applyProxy('refused', good);
  note(
    'first version refused',
    await watched.until('refused', (proxy) => wordOf(proxy, 'Accepted') === 'False/PortConflict'),
  );

  await plane.applyProxy('updated', taken);
  await watched.until('updated', isProgrammed(1));
  await plane.applyProxy('updated', good);
  const update = await watched.until(
    'updated',
    (proxy) => wordOf(proxy, 'Accepted') === 'False/PortConflict',
  );
  t.is(wordOf(update, 'Programmed'), 'True/Programmed');
  note('update refused', update);

  await plane.applyProxy('nowhere', await port(), { pool: 'empty' });
  note(
    'no pods',
    await watched.until('nowhere', (proxy) => wordOf(proxy, 'Programmed') === 'False/NoPods'),
  );

  await plane.applyProxy('impossible', 1, {
    listeners: [{ name: 'all', port: good, address: '192.0.2.1' }],
  });
  note(
    'refused by a pod',
    await watched.until(
      'impossible',
      (proxy) => wordOf(proxy, 'Programmed') === 'False/PortUnavailable',
    ),
  );

  t.deepEqual(verdicts, {
    programmed: 'Current',
    'first version refused': 'Failed',
    'update refused': 'Failed',
    'no pods': 'InProgress',
    'refused by a pod': 'Failed',
  });
  for (const proxy of watched.seen) {
    const both = wordOf(proxy, 'Reconciling') !== '' && wordOf(proxy, 'Stalled') !== '';
    t.false(both);
  }
});

test.serial(
  'a pod that does not answer keeps a new version in progress; after ten seconds it is named, and the others count',
  async (t) => {
    const own = await port();
    await plane.applyProxy('silent', own);
    await watched.until('silent', isProgrammed(1));

    pod.signal('SIGSTOP');
    await plane.applyProxy('silent', own, { timeouts: { connect: '2s' } });
    const rolling = await watched.until(
      'silent',
      (proxy) =>
        proxy.status?.observedGeneration === 2 && wordOf(proxy, 'Programmed') === 'False/Pending',
    );
    t.is(kstatus(rolling), 'InProgress');
    t.is(rolling.status?.propagation?.state, 'Pending');
    const stop = await speakAsPod('pod-2', rolling.status?.configVersion ?? 0);
    const silent = await watched.until(
      'silent',
      (proxy) => wordOf(proxy, 'Programmed') === 'True/ProgrammedExceptUnreachable',
    );
    t.is(wordOf(silent, 'Degraded'), 'True/PodsUnreachable');
    t.is(kstatus(silent), 'Current');
    t.deepEqual(
      silent.status?.propagation?.lagging?.map((each) => each.pod),
      ['pod-1'],
    );
    pod.signal('SIGCONT');
    await stop();

    const after = await watched.until(
      'silent',
      (proxy) => isProgrammed(2)(proxy) && wordOf(proxy, 'Degraded') === '',
    );
    t.is(kstatus(after), 'Current');
  },
);

/** Two pods cannot have one port of this machine: of the second there is only the voice. Answers what silences it. */
async function speakAsPod(instance: string, applied: number): Promise<() => Promise<void>> {
  const files = await readSecret(plane.kube, 'headgate-pool-default');
  const role = { is: 'pool', pool: 'default' } as const;
  const access = createNatsAccess(
    () => natsMaterialOf((key) => files[key] ?? null),
    subjects,
    role,
  );
  const connection = { servers: plane.nats.url, ...access };
  const log = await openJetStreamEventLog({ connection, subjects });
  scope.teardown(() => log[Symbol.asyncDispose]());
  const logId = await logIdOf(log);
  const say = (draining: boolean) =>
    log.acknowledgements.send({
      ...{ instance, pool: 'default', logId, applied, digest: '', draining },
      ...{ refusals: [], refusalCount: 0, eventTypes: [], keyIds: [] },
    });
  await say(false);
  const heartbeat = setInterval(() => void say(false), 3000);
  return async () => {
    clearInterval(heartbeat);
    await say(true);
  };
}

async function logIdOf(log: EventLog): Promise<string> {
  const ended = new AbortController();
  for await (const update of log.follow([subjects.allConfigOf('default')], ended.signal)) {
    if (update.type !== 'snapshot') continue;
    ended.abort();
    return update.logId;
  }
  throw new Error('the log cannot be followed');
}

test.serial('kubectl waits for it, and shows it in a table', async (t) => {
  await plane.kube.kubectl('delete', 'forwardproxies', '--all', '--namespace', team);
  await plane.applyProxy('egress', await port());
  const wait = ['wait', '--for=condition=Programmed', 'forwardproxy/egress', '--timeout=60s'];
  await plane.kube.kubectl(...wait, '--namespace', team);

  const table = await plane.kube.kubectl('get', 'fp', '--namespace', team);

  t.is(
    table.replaceAll(/\d+m?s\b/g, 'AGE'),
    `NAME     POOL      ACCEPTED   PROGRAMMED   REASON       ACKED   PODS   AGE
egress   default   True       True         Programmed   1       1      AGE
`,
  );
});
