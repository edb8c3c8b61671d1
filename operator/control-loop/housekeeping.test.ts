import test from 'ava';
import { isProgrammed, openWorld, subjects } from '../../test/support/operator-world.ts';
import { createTableSource } from '../../test/support/table-source.ts';

const day = 24 * 3600 * 1000;
const users = { auth: `ann:$2y$10$${'a'.repeat(53)}` };
const spec = {
  listeners: [{ name: 'all', port: 3128, address: '127.0.0.1' }],
  authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
};

test('a tombstone is purged after seven days, with the secret nobody names any more', async (t) => {
  const world = await openWorld(t);
  let lateMs = 0;
  const now = () => performance.timeOrigin + performance.now() + lateMs;
  const first = world.operate(undefined, { now });
  first.source.putSecret('users', users);
  first.source.put('one', spec);
  await first.called('published 1').catch(() => null);
  first.source.remove('one');
  await first.called('removed one');
  await first.stop();
  t.is((await world.entries('removed')).length, 1);

  lateMs = 6 * day;
  const soon = world.operate(undefined, { now });
  await soon.called('published 0');
  await soon.stop();
  t.is((await world.entries('removed')).length, 1);
  t.deepEqual(await world.entries('secret'), []);

  lateMs = 8 * day;
  const late = world.operate(undefined, { now });
  await late.called('published 0');
  await late.stop();
  t.deepEqual(await world.entries('forwardproxy'), []);
});

test('a status that a killed operator left behind is taken back', async (t) => {
  const world = await openWorld(t);
  world.startPod();
  const source = createTableSource();
  source.put('one', spec);
  source.putSecret('users', users);
  const first = world.operate(source);
  const report = await first.status('one', isProgrammed);
  await first.called('ready');
  await first.stop();
  const leader = await world.eventLog.lead('as it was killed');
  const [status] = await world.entries('status');
  const frame = { source: source.id, time: '2026-11-20T10:00:00.000Z' };
  const about = (id: string, type: string, subject: string, data: unknown) => ({
    ...frame,
    id,
    type,
    subject,
    data,
  });
  const gone = { ...report, name: 'gone' };
  await leader.append([
    {
      subject: subjects.status('default', { ...gone }),
      event: about('gone', status?.event.type ?? '', 'ForwardProxy/team-a/gone', gone),
    },
    {
      subject: subjects.status('left', report),
      event: about('left', status?.event.type ?? '', 'ForwardProxy/team-a/one', {
        ...report,
        pool: 'left',
      }),
    },
  ]);

  const again = createTableSource();
  again.put('one', spec);
  again.putSecret('users', users);
  const second = world.operate(again);
  await second.called('ready');
  await second.stop();

  t.deepEqual(
    (await world.entries('status')).map(({ subject }) => subject),
    [subjects.status('default', report)],
  );
});
