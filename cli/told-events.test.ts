import test from 'ava';
import { createSubjects } from '../contracts/subjects.ts';
import { openSqliteEventLog } from '../event-log/sqlite-event-log.ts';
import { followTold } from './told-events.ts';

const subjects = createSubjects();
const subject = subjects.config('default', {
  kind: 'ForwardProxy',
  namespace: 'team-a',
  name: 'egress',
});

function entry(id: string) {
  const about = { source: 'test', type: 'test', subject: 'ForwardProxy/team-a/egress' };
  return { subject, event: { id, ...about, time: '2026-11-20T10:00:00.000Z', data: null } };
}

test('of events that come while history is told, each is told once', async (t) => {
  const log = await openSqliteEventLog({ file: ':memory:', subjects });
  t.teardown(() => log[Symbol.asyncDispose]());
  const leader = await log.lead('test');
  await leader.append([entry('one')]);
  const stop = new AbortController();
  const told = followTold(log, subjects, stop.signal);
  const next = async () => (await told.next()).value?.event.id;

  await next(); // the election
  const ids = [await next()];
  await leader.append([entry('two'), entry('three')]);
  ids.push(await next(), await next());
  await leader.append([entry('four')]);
  ids.push(await next());

  t.deepEqual(ids, ['one', 'two', 'three', 'four']);
  stop.abort();
  await told.return(null);
});
