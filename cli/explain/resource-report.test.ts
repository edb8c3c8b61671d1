import test, { type ExecutionContext } from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import type { NewEntry } from '../../event-log/event-log.ts';
import { openSqliteEventLog } from '../../event-log/sqlite-event-log.ts';
import { keyOf, makeEvent } from '../../test/support/events.ts';
import {
  configured,
  rejected,
  removed,
  spoken,
  type WrittenLog,
  writtenLog,
} from '../../test/support/explained-log.ts';
import { forwardProxyConfig } from '../../test/support/forward-proxy-config.ts';
import { explainPod } from './pod-report.ts';
import { readLog } from './read-log.ts';
import { explainResource, type ResourceQuestion } from './resource-report.ts';

const subjects = createSubjects();
const key = keyOf('egress');
const unasked = { propagation: null, cluster: null, knownPods: null, caveats: [] };

type Said = ReturnType<typeof spoken>;

/** A log with these entries from sequence 2 on (1 is the leader's), and what pods said. */
async function world(
  t: ExecutionContext,
  entries: readonly NewEntry[],
  say: (written: WrittenLog) => readonly Said[] = () => [],
) {
  const log = await openSqliteEventLog({ file: ':memory:', subjects });
  t.teardown(() => log[Symbol.asyncDispose]());
  const written = await writtenLog(log, entries);
  for (const each of say(written)) await log.acknowledgements.send(each);
  const opened = { ...log, reader: log, subjects };

  const read = (everything: boolean, isHeard = true) =>
    readLog(isHeard ? opened : { ...opened, acknowledgements: null }, {
      resource: key,
      everything,
    });
  return {
    read,
    async explain(question: Partial<ResourceQuestion> = {}, isHeard = true) {
      const at = question.at ?? null;
      const report = explainResource(await read(at !== null, isHeard), {
        ...{ key, ...unasked, ...question, at },
      });
      if (report === null) throw new Error('the log knows nothing of it');
      return report;
    },
  };
}

const egress = (generation: number) => configured('egress', generation);
const portTaken = (sequence: number) => ({
  ...{ resource: 'ForwardProxy/team-a/egress', sequence, message: 'taken' },
  ...({ reason: 'PortUnavailable', code: 'proxy_configuration_error' } as const),
});

test('the version in force is told with its event and who caused it', async (t) => {
  const { explain } = await world(t, [egress(1), egress(2)]);

  const { inForce, refused, history, log } = await explain();

  t.like(inForce, { sequence: 3, generation: 2, by: 'kubectl', pool: 'default' });
  t.deepEqual(inForce?.listeners, ['main [::]:3128']);
  t.is(refused, null);
  t.deepEqual(
    history.map(({ sequence, event }) => `${sequence} ${event}`),
    ['2 ForwardProxyConfigured', '3 ForwardProxyConfigured'],
  );
  t.is(log.end, 3);
});

test('a newest version that was refused is told beside the one in force', async (t) => {
  const { explain } = await world(t, [egress(1), rejected('egress', 2, 'over 512 KiB')]);

  const { inForce, refused } = await explain();

  t.like(inForce, { sequence: 2, generation: 1 });
  t.like(refused, { sequence: 3, generation: 2, reason: 'TooLarge', message: 'over 512 KiB' });
});

test('a refusal that was mended is history, not news', async (t) => {
  const { explain } = await world(t, [egress(1), rejected('egress', 2), egress(3)]);

  const { refused, history } = await explain();

  t.is(refused, null);
  t.is(history.length, 3);
});

test('what is removed is in force nowhere', async (t) => {
  const { explain } = await world(t, [egress(1), rejected('egress', 2), removed('egress')]);

  t.like(await explain(), { inForce: null, refused: null, removed: { sequence: 4 } });
});

test('while it moves between pools, the one it leaves is told', async (t) => {
  const inEdge = configured('egress', 2, { ...forwardProxyConfig(), pool: 'edge' });
  const moving = await world(t, [egress(1), inEdge]);

  t.like(await moving.explain(), {
    inForce: { sequence: 3, pool: 'edge' },
    leaving: [{ pool: 'default', sequence: 2 }],
  });
  const moved = await world(t, [egress(1), inEdge, removed('egress')]);
  t.like(await moved.explain(), { inForce: { sequence: 3 }, leaving: [], removed: null });
});

test('each pod is told with what it runs, how far behind it is, and what it refuses', async (t) => {
  const { explain } = await world(t, [egress(1), egress(2), configured('other', 1)], (log) => [
    spoken('fresh', log, { applied: 4, runs: { egress: 3, other: 4 } }),
    spoken('late', log, { applied: 2 }),
    spoken('refusing', log, {
      ...{ applied: 4, runs: { egress: 2, other: 4 } },
      ...{ refusals: [portTaken(3)], refusalCount: 1 },
    }),
    spoken('leaving', log, { applied: 4, runs: { egress: 3, other: 4 }, draining: true }),
    spoken('elsewhere', log, { applied: 4, runs: {}, pool: 'edge' }),
  ]);

  const { pods } = await explain();

  t.like(pods, [
    { pod: 'fresh', runs: { sequence: 3 }, behind: null, confirmed: true, refusal: null },
    { pod: 'late', runs: { sequence: 2, generation: 1 }, behind: { events: 2 }, confirmed: true },
    { pod: 'leaving', runs: { sequence: 3 }, draining: true },
    { pod: 'refusing', runs: { sequence: 2 }, refusal: { sequence: 3, message: 'taken' } },
  ]);
  t.is(pods?.length, 4);
});

test('a pod that a cluster has and nobody heard is told as silent', async (t) => {
  const { explain } = await world(t, [egress(1)], (log) => [spoken('pod-1', log, { applied: 2 })]);
  const pod = (name: string, pool = 'default') => ({ name, pool, ready: true });

  const { pods } = await explain({ knownPods: [pod('pod-1'), pod('pod-2'), pod('x', 'edge')] });

  t.deepEqual(
    pods?.map((each) => [each.pod, each.applied]),
    [
      ['pod-1', 2],
      ['pod-2', null],
    ],
  );
});

test('a pod that follows a log which is no more is not guessed about', async (t) => {
  const { explain } = await world(t, [egress(1)], (log) => [
    spoken('pod-1', { ...log, logId: 'an older log' }, { applied: 9 }),
  ]);

  const { pods, unknown } = await explain();

  t.like(pods, [{ runs: 'unknown', behind: null, confirmed: null }]);
  t.regex(unknown.join(), /pod-1 follows another log \(an older log\)/);
});

test('where pods cannot be heard, that is said instead of showing none', async (t) => {
  const { explain } = await world(t, [egress(1)]);

  const { pods, unknown } = await explain({}, false);

  t.is(pods, null);
  t.regex(unknown.join(), /they acknowledge to the process of `headgate up`/);
});

test('a Secret is told by name and age, and nothing that is in it', async (t) => {
  const secret = { namespace: 'team-a', name: 'users', digest: 'digest-of-it' };
  const config = {
    ...forwardProxyConfig(),
    authentication: { mode: 'Basic', secret, realm: 'x', attempts: 1 } as const,
  };
  const data = { ...secret, keyId: 'k1', fields: { auth: 'sealed-text' } };
  const sealed = { ...makeEvent(data), type: 'dev.headgate.secret.sealed.v1' };
  const { explain } = await world(t, [
    { subject: subjects.secret('default', 'team-a', 'users'), event: sealed },
    configured('egress', 1, config),
  ]);

  const report = await explain();

  t.like(report.secrets, [{ secret: 'team-a/users', sealed: { sequence: 2, keyId: 'k1' } }]);
  t.notRegex(JSON.stringify(report), /sealed-text|digest-of-it/);
});

test('the past is told as far as it is kept, with what cannot be known', async (t) => {
  const { explain } = await world(t, [egress(1), rejected('egress', 2), egress(3)], (log) => [
    spoken('pod-1', log, { applied: 4 }),
  ]);

  t.like(await explain({ at: 2 }), { inForce: { sequence: 2 }, refused: null, pods: null });
  const refused = await explain({ at: 3 });
  t.like(refused, { inForce: { sequence: 2 }, refused: { sequence: 3 } });
  t.regex(refused.unknown.join(), /what pods ran then/);
  const before = await explain({ at: 1 });
  t.is(before.inForce, null);
  t.regex(before.unknown.join(), /whether there was anything before sequence 2/);
});

test('that older versions are forgotten is said', async (t) => {
  const { explain } = await world(
    t,
    Array.from({ length: 20 }, (_, index) => egress(index + 1)),
  );

  t.regex((await explain()).unknown.join(), /versions before sequence 6: the log keeps 16/);
  t.regex((await explain({ at: 3 })).unknown.join(), /what was in force at 3/);
  t.like(await explain({ at: 7 }), { inForce: { sequence: 7, generation: 6 } });
});

test('everything a pod runs is told, and what it should', async (t) => {
  const entries = [egress(1), configured('other', 1), egress(2), removed('other')];
  const { read } = await world(t, entries, (log) => [
    spoken('pod-1', log, { applied: 3, runs: { egress: 2, other: 3 } }),
  ]);
  const everything = await read(false);
  const [acknowledgement] = everything.acknowledgements ?? [];
  if (acknowledgement === undefined) throw new Error('nobody spoke');

  t.like(explainPod(everything, acknowledgement, null), {
    ...{ pod: 'pod-1', applied: 3, confirmed: true, behind: { events: 2 } },
    resources: [
      { resource: 'ForwardProxy/team-a/egress', runs: { sequence: 2 }, wanted: { sequence: 4 } },
      { resource: 'ForwardProxy/team-a/other', runs: { sequence: 3 }, wanted: null },
    ],
  });
  t.like(explainPod(await read(true), acknowledgement, 2), {
    resources: [{ runs: 'unknown', wanted: { sequence: 2, generation: 1 } }],
    unknown: ['what this pod ran then: only its newest acknowledgement is kept'],
  });
});
