import test from 'ava';
import { createSubjects } from '../contracts/subjects.ts';
import { makeEvent } from '../test/support/events.ts';
import { createEventFilter, type EventFilter } from './event-filter.ts';

const subjects = createSubjects();
const key = (namespace: string, name: string) =>
  ({ kind: 'ForwardProxy', namespace, name }) as const;

const entries = [
  [subjects.leader, 'headgate', '10:00'],
  [subjects.config('edge', key('team-a', 'egress')), 'ForwardProxy/team-a/egress', '10:01'],
  [subjects.journal('core', key('team-b', 'egress')), 'ForwardProxy/team-b/egress', '10:02'],
  [subjects.secret('edge', 'team-a', 'users'), 'Secret/team-a/users', '10:03'],
  [subjects.pool('edge'), 'edge', '10:04'],
  [subjects.logJournal, 'headgate', '10:05'],
].map(([subject = '', about = '', time], index) => ({
  sequence: index + 1,
  subject,
  event: { ...makeEvent(), subject: about, time: `2026-11-20T${time}:00.000Z` },
}));

const passing = (filter: Partial<EventFilter>) => {
  const none = { resource: undefined, namespace: undefined, pool: undefined, since: undefined };
  const isWanted = createEventFilter({ ...none, ...filter }, subjects);
  return entries.filter(isWanted).map(({ sequence }) => sequence);
};

test('without a filter every event is told', (t) => {
  t.deepEqual(passing({}), [1, 2, 3, 4, 5, 6]);
});

test('events are told by resource, namespace, pool and time, and by all of them together', (t) => {
  t.deepEqual(passing({ resource: 'egress' }), [2, 3]);
  t.deepEqual(passing({ resource: 'team-a/egress' }), [2]);
  t.deepEqual(passing({ namespace: 'team-a' }), [2, 4]);
  t.deepEqual(passing({ pool: 'edge' }), [2, 4, 5]);
  t.deepEqual(passing({ since: '2026-11-20T10:03:00.000Z' }), [4, 5, 6]);
  t.deepEqual(passing({ namespace: 'team-a', pool: 'edge', resource: 'users' }), [4]);
});

test('a pool is told apart from one whose name begins alike', (t) => {
  t.deepEqual(passing({ pool: 'ed' }), []);
  t.deepEqual(passing({ pool: '_log' }), []);
});
