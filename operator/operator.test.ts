import test from 'ava';
import { isRecord } from '../contracts/json.ts';
import { LogInUse, NoLongerLeader } from '../event-log/event-log.ts';
import {
  isProgrammed,
  message,
  openWorld,
  subjects,
  summarise,
} from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const listenOn = (port: number, more: Readonly<Record<string, unknown>> = {}) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
  ...more,
});
const withUsers = (port: number) =>
  listenOn(port, { authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } } });
const users = (letter: string) => ({ auth: `ann:$2y$10$${letter.repeat(53)}`, other: 'unused' });

test('a resource is recorded, published, served and reported, in two writes of its status', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));

  const report = await operator.status('one', isProgrammed);
  await operator.called('ready');

  t.like(report.status, {
    observedGeneration: 1,
    propagation: { state: 'Complete', desired: 1, acked: 1, nacked: 0, lagging: [] },
  });
  t.true((report.status.propagation?.max ?? -1) >= 0);
  await operator.stop();
  t.deepEqual(
    (await world.story()).filter((each) => !each.startsWith('published')),
    ['leaderelected headgate', 'configured one'],
  );
});

test('what is not changed is not written again: not by a second look, not by a restart', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  const first = world.operate(source);
  world.startPod();
  source.put('one', listenOn(3128));
  source.put('bad', { listeners: [] });
  await first.status('one', isProgrammed);
  await first.called('ready');
  await first.stop();
  const before = await world.entries();

  const again = createTableSource();
  again.put('one', listenOn(3128));
  again.put('bad', { listeners: [] });
  const second = world.operate(again);
  await second.called('ready');
  again.put('one', listenOn(3128));
  await second.stop();

  const added = (await world.entries()).slice(before.length);
  t.deepEqual(
    added.filter(({ event }) => !event.type.includes('status')).map(({ subject }) => subject),
    [subjects.leader],
  );
});

test('a bad edit is refused with its place, and the last good version stays', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));
  const good = await operator.status('one', isProgrammed);

  operator.source.put('one', { listeners: [{ name: 'all', port: 'oops' }] });
  const report = await operator.status('one', (summary) => summary.includes('Accepted=False'));

  t.regex(summarise(report), /Accepted=False\/Invalid@2 .*Programmed=True\/Programmed@1/);
  t.regex(message(report, 'Accepted'), /^a\.yaml:1:spec\.listeners\[0\]\.port: /);
  t.is(report.status.configVersion, good.status.configVersion);
});

test('a rotated Secret is decided again, sealed before the version that names it', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.putSecret('users', users('a'));
  operator.source.put('one', withUsers(3128));
  await operator.status('one', isProgrammed);
  const from = operator.statuses.length;

  operator.source.putSecret('users', users('b'));
  const report = await operator.status('one', isProgrammed, from);

  t.is(report.generation, 1);
  const [sealed] = await world.entries('secret.sealed');
  const configured = await world.entries('configured');
  t.is(sealed?.sequence, (configured.at(-1)?.sequence ?? 0) - 1);
  const text = JSON.stringify(await world.entries());
  t.notRegex(text, /aaaaaaa|bbbbbbb|unused/);
});

test('a Secret that is missing or useless is named, and the last good version stays', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', withUsers(3128));
  const missing = await operator.status('one', (summary) => summary.includes('SecretNotFound'));
  t.regex(message(missing, 'Accepted'), /there is no Secret team-a\/users/);

  operator.source.putSecret('users', users('a'));
  await operator.status('one', isProgrammed);
  operator.source.putSecret('users', { auth: 'ann:plain' });
  const useless = await operator.status('one', (summary) => summary.includes('InvalidCredentials'));

  t.regex(message(useless, 'Accepted'), /line 1: .*headgate htpasswd ann/);
  t.regex(summarise(useless), /Programmed=True\/Programmed@1/);
});

test('who holds a port keeps it; when it is freed, the one that was refused gets it', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('z-old', listenOn(3128));
  await operator.status('z-old', isProgrammed);
  operator.source.put('a-new', listenOn(3128));
  const refused = await operator.status('a-new', (each) => each.includes('PortConflict'));
  t.regex(message(refused, 'Accepted'), /ForwardProxy\/team-a\/z-old has 127\.0\.0\.1:3128/);

  operator.source.put('z-old', listenOn(3129));

  t.is((await operator.status('a-new', isProgrammed)).generation, 1);
});

test('of those that are there at the start and want one port, the oldest gets it', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  source.put('a-young', listenOn(3128), { createdAt: '2026-11-20T12:00:00Z' });
  source.put('z-old', listenOn(3128), { createdAt: '2026-11-20T11:00:00Z' });

  const operator = world.operate(source);
  world.startPod();

  await operator.status('z-old', isProgrammed);
  await operator.status('a-young', (each) => each.includes('PortConflict'));
  t.deepEqual(
    (await world.story()).filter((each) => each.startsWith('configured')),
    ['configured z-old'],
  );
});

test('nothing is removed while a part of the source cannot be read', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));
  operator.source.put('two', listenOn(3129));
  await operator.status('one', isProgrammed);
  await operator.status('two', isProgrammed);

  operator.source.setComplete(false);
  operator.source.remove('one');
  operator.source.put('two', listenOn(3130)); // looked at after `one`
  await operator.status('two', (summary) => summary.includes('@2'));
  t.deepEqual(await world.entries('removed'), []);

  operator.source.setComplete(true);
  await operator.called('removed one');
  t.is((await world.entries('removed')).length, 1);
});

test('a removed resource leaves no status behind and comes back as another', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));
  const first = await operator.status('one', isProgrammed);
  operator.source.remove('one');
  await operator.called('removed one');
  const from = operator.statuses.length;

  operator.source.put('one', listenOn(3128));
  const second = await operator.status('one', isProgrammed, from);

  t.not(second.uid, first.uid);
  t.is(second.generation, 1);
  t.false(
    (await world.entries('status')).some(
      ({ event }) => isRecord(event.data) && event.data['uid'] === first.uid,
    ),
  );
});

test('what another source published is refused, unless it is adopted', async (t) => {
  const world = await openWorld(t);
  const first = world.operate(createTableSource('directory:first'));
  world.startPod();
  first.source.put('one', listenOn(3128));
  first.source.put('two', listenOn(3129));
  await first.called('published 2').catch(() => null);
  await first.status('two', isProgrammed);
  await first.stop();

  const stranger = world.operate(createTableSource('directory:second'));
  await t.throwsAsync(stranger.ended, {
    instanceOf: LogInUse,
    message: /directory:first.*--adopt/,
  });
  t.deepEqual(await world.entries('removed'), []);

  const source = createTableSource('directory:second');
  source.put('one', listenOn(3128));
  const adopting = world.operate(source, { adopt: true });
  await adopting.called('removed two');
  t.is((await world.entries('configured')).at(-1)?.event.source, 'directory:second');
});

test('an operator that was replaced ends, and says so', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  await operator.called('published 0');

  await world.eventLog.lead('somebody else');

  await t.throwsAsync(operator.ended, { instanceOf: NoLongerLeader });
});

test('a full log stalls what could not be recorded, and says so', async (t) => {
  const world = await openWorld(t, { maxBytes: 40_000 });
  const operator = world.operate();
  world.startPod();
  operator.source.put('one', listenOn(3128));
  await operator.status('one', isProgrammed);

  const cidrs = Array.from({ length: 64 }, (_, index) => `10.${index}.0.0/16`);
  for (let edit = 0; edit < 16; edit++) {
    const from = operator.statuses.length;
    operator.source.put('one', {
      listeners: [
        { name: 'all', port: 4000 + edit, address: '127.0.0.1', allowedClientCIDRs: cidrs },
      ],
    });
    const report = await operator.status(
      'one',
      (each) => /LogFull|True\/Programmed/.test(each),
      from,
    );
    if (!summarise(report).includes('LogFull')) continue;
    t.pass();
    return;
  }
  t.fail('the log never got full');
});

test('a log that had to be made anew says that its history is lost', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  source.put('one', listenOn(3128));
  const operator = world.operate(source, { knownSequence: 1000 });

  await operator.called('published 1, history lost');

  const [lost] = await world.entries('historylost');
  t.like(lost?.event.data, { knownSequence: 1000 });
  t.true((lost?.sequence ?? 0) > 1000);
});

test('a log that was made anew by halves is made whole by the next leader, and said to be lost', async (t) => {
  const world = await openWorld(t);
  const { logId, append } = await world.eventLog.lead('an operator that dies', 1000);
  const data = { logId, knownSequence: 1000 };
  const event = { id: 'lost', source: 'table', type: 'dev.headgate.log.historylost.v1' };
  const time = new Date(0).toISOString();
  await append([{ subject: subjects.logJournal, event: { ...event, subject: 'log', time, data } }]);
  const [source, sourceAgain] = [createTableSource(), createTableSource()];
  for (const each of [source, sourceAgain]) each.put('one', listenOn(3128));

  const operator = world.operate(source, { knownSequence: 1000 });
  await operator.called('published 1, history lost');
  await operator.stop();
  const next = world.operate(sourceAgain, { knownSequence: 1000 });

  await next.called('published 1');
  t.is((await world.entries('historylost')).length, 1);
});

test('thousands of problems are told in part, not kept back', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod();

  const unknown = Array.from({ length: 6000 }, (_, index) => [`${'x'.repeat(80)}${index}`, 1]);
  operator.source.put('one', listenOn(3128, Object.fromEntries(unknown)));
  const refused = await operator.status('one', (each) => each.includes('Accepted=False/Invalid'));

  const text = message(refused, 'Accepted');
  t.regex(text, /^a\.yaml:1:spec\.x+0: .*\n… and 59\d\d more/s);
  t.true(text.length < 10_000);
});
