import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { logEventTypes } from '../../contracts/log-events.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import { team } from '../support/control-plane.ts';
import { type LoadedPlane, readProxies, startLoadedPlane } from '../support/loaded-plane.ts';
import { isOpen } from '../support/ports.ts';
import { wordOf } from '../support/proxy-versions.ts';

const outageMs = 60_000;
const subjects = createSubjects();

test.serial(
  'NATS is killed and started again, again and again, while resources change: each change is recorded once, and no request fails',
  async (t) => {
    const names = ['one', 'two', 'three'];
    const plane = await startLoadedPlane(t, names);

    for (let round = 0; round < 4; round += 1) {
      await Promise.all([...names.map(plane.edit), plane.nats.kill()]);
      await plane.load.more(20);
      const startedMs = performance.now();
      await plane.nats.start();
      await plane.settled(...names);
      t.log(`all served ${Math.round(performance.now() - startedMs)} ms after NATS was back`);
    }

    await plane.audit();
  },
);

test.serial(
  'NATS is away for a minute: statuses say of whom, nobody is called unreachable, and afterwards all is recorded once',
  async (t) => {
    const names = ['steady', 'edited', 'removed'];
    const plane = await startLoadedPlane(t, names, { laterNames: ['new'] });
    const { nats, watched } = plane;
    const versionOf = async (name: string) =>
      (await readProxies(plane)).find(({ metadata }) => metadata.name === name)?.metadata
        .resourceVersion;
    const before = await versionOf('steady');

    await nats.kill();
    const outage = setTimeout(outageMs);
    await Promise.all([plane.edit('edited'), plane.edit('new'), plane.remove('removed')]);
    const isStalled = (proxy: Parameters<typeof wordOf>[0]) =>
      wordOf(proxy, 'Stalled') === 'True/LogUnavailable';
    const edited = await watched.until('edited', isStalled);
    t.is(
      wordOf(edited, 'Programmed'),
      'True/Programmed',
      'the version before goes on being served',
    );
    t.is(edited.status?.observedGeneration, 1);
    await watched.until('new', isStalled);
    await outage;
    t.is(await versionOf('steady'), before, 'who was not changed is not written to');

    const startedMs = performance.now();
    await nats.start();
    await plane.settled('edited', 'new', 'steady');
    t.log(`all served ${Math.round(performance.now() - startedMs)} ms after NATS was back`);

    const after = (await readProxies(plane)).map((proxy) => wordOf(proxy, 'Stalled'));
    t.deepEqual(after, ['', '', '']);
    const wrong = /NoPods|Unreachable|Behind/;
    t.deepEqual(
      watched.seen
        .flatMap(({ status }) => status?.conditions.map(({ reason }) => reason) ?? [])
        .filter((reason) => wrong.test(reason)),
      [],
    );
    await removedFrom(plane, 'removed');
    await plane.audit();
  },
);

test.serial(
  'the stream is deleted under a running operator: it is made anew, said, and served as before',
  async (t) => {
    const names = ['one', 'two'];
    const plane = await startLoadedPlane(t, [...names, 'gone']);
    const known = await highestVersion(plane);
    const startedMs = performance.now();

    // It is removed while there is no log to record that in.
    plane.operator.child.kill('SIGSTOP');
    await (await plane.administerStreams()).delete(subjects.stream);
    await plane.remove('gone');
    plane.operator.child.kill('SIGCONT');

    plane.forgetHistory();
    await newlyProgrammed(plane, names, known);
    t.log(`served again as shown ${Math.round(performance.now() - startedMs)} ms after the loss`);
    await saidThatHistoryIsLost(plane, plane.operator.admin);
    while (await isOpen(plane.portOf('gone')));
    await plane.edit('two');
    await plane.settled('two');
    await plane.audit();
  },
);

test.serial(
  'the log is lost while no operator runs, and half of it is there again: pods obey no half, and then the whole',
  async (t) => {
    const names = ['one', 'two', 'gone'];
    const plane = await startLoadedPlane(t, names);
    const known = await highestVersion(plane);
    const entries = await plane.entries();
    await plane.operator.stop('SIGKILL');
    await plane.nats.kill();
    await rm(plane.nats.storeDirectory, { recursive: true });
    await plane.nats.start();
    await plane.remove('gone');

    // As an operator that died in the middle of it would leave it.
    await using log = await plane.openLog();
    const { logId, append } = await log.lead('an operator that dies', known);
    const lost = { logId, knownSequence: known };
    const [first] = entries.filter(({ event }) => event.subject === `ForwardProxy/${team}/one`);
    if (first === undefined) return t.fail();
    const { subject, event } = first;
    const type = logEventTypes.historyLost;
    const said = { id: randomUUID(), subject: subjects.log, type, data: lost };
    await append([
      { subject: subjects.logJournal, event: { ...event, ...said } },
      { subject, event },
    ]);
    await plane.load.more(50);
    t.deepEqual(await refused(names.map(plane.portOf)), [], 'what was served is served');

    // A pod that starts now has nothing but that half.
    await plane.load.pause();
    plane.pod.signal('SIGKILL');
    await plane.pod.exited;
    const streams = await plane.administerStreams();
    const followers = async () => (await streams.info(subjects.stream)).state.consumer_count;
    const before = await followers();
    const young = await plane.startPod('pod-2');
    while ((await followers()) === before);
    t.is((await fetch(`${young.admin}/readyz`)).status, 503);
    t.deepEqual(await refused(names.map(plane.portOf)), names.map(plane.portOf));

    plane.forgetHistory();
    const operator = await plane.startOperator();
    await newlyProgrammed(plane, ['one', 'two'], known);
    t.deepEqual(await refused(names.map(plane.portOf)), [plane.portOf('gone')]);
    t.is((await fetch(`${young.admin}/readyz`)).status, 200);
    await saidThatHistoryIsLost(plane, operator.admin);
    plane.load.resume();
    await plane.audit();
  },
);

/** Those of the ports at which nobody listens. */
async function refused(ports: readonly number[]): Promise<readonly number[]> {
  const looked = await Promise.all(ports.map(async (port) => ((await isOpen(port)) ? [] : [port])));
  return looked.flat();
}

async function highestVersion(plane: LoadedPlane): Promise<number> {
  const versions = (await readProxies(plane)).map(({ status }) => status?.configVersion ?? 0);
  return Math.max(...versions);
}

/** Programmed, at a version above what was known. */
async function newlyProgrammed(plane: LoadedPlane, names: readonly string[], known: number) {
  const isNew = (proxy: Parameters<typeof wordOf>[0]) =>
    (proxy.status?.configVersion ?? 0) > known && wordOf(proxy, 'Programmed') === 'True/Programmed';
  await Promise.all(names.map((name) => plane.watched.until(name, isNew)));
}

async function removedFrom(plane: LoadedPlane, name: string): Promise<void> {
  while ((await plane.story(name)).at(-1) !== 'removed');
}

/** In the log, as an Event of Kubernetes, and counted. */
async function saidThatHistoryIsLost({ kube, entries }: LoadedPlane, admin: string): Promise<void> {
  while (!(await entries()).some(({ event }) => event.type === logEventTypes.historyLost));
  const event = ['get', 'events', '--all-namespaces', '--field-selector=reason=HistoryLost'];
  while (!(await kube.kubectl(...event, '--output=name')).includes('event'));
  const metrics = async () => (await fetch(`${admin}/metrics`)).text();
  while (!/^headgate_history_lost_total 1$/m.test(await metrics()));
}
