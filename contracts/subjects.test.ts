import test from 'ava';
import { createSubjects } from './subjects.ts';

const subjects = createSubjects();
const key = { kind: 'ForwardProxy', namespace: 'team-a', name: 'egress.v2' } as const;

test('subjects are what is written down: other versions of us read them', (t) => {
  t.is(subjects.config('default', key), 'headgate.config.default.forwardproxy.team-a.egress_v2');
  t.is(subjects.journal('default', key), 'headgate.journal.default.forwardproxy.team-a.egress_v2');
  t.is(subjects.status('default', key), 'headgate.status.default.forwardproxy.team-a.egress_v2');
  t.is(
    subjects.secret('default', 'team-a', 'users'),
    'headgate.config.default._secret.team-a.users',
  );
  t.is(
    subjects.endpoints('default', { namespace: 'team-a', name: 'shop', from: 'team-a' }),
    'headgate.config.default._endpoints.team-a.shop',
  );
  t.is(
    subjects.endpoints('default', { namespace: 'team-a', name: 'shop', from: 'team-b' }),
    'headgate.config.default._endpoints.team-a.shop.team-b',
  );
  t.is(subjects.pool('default'), 'headgate.config.default._pool');
  t.is(subjects.ack('default', 'pod-1'), 'headgate.ack.default.pod-1');
  t.is(subjects.leader, 'headgate.leader');
  t.is(subjects.logJournal, 'headgate.journal._log');
  t.is(subjects.allConfigOf('a.b'), 'headgate.config.a_b.>');
});

test('another log has subjects of its own', (t) => {
  const other = createSubjects('staging');

  t.is(other.pool('default'), 'staging.config.default._pool');
  t.deepEqual([other.stream, other.ackStream], ['staging', 'staging-ack']);
});

test('the pool of a subject serves as its name in others', (t) => {
  for (const pool of ['default', 'a.b', 'edge-1']) {
    const found = subjects.poolOf(subjects.config(pool, key));
    t.is(subjects.pool(found), subjects.pool(pool));
  }
  t.is(createSubjects('a.b').poolOf('a.b.config.edge._pool'), 'edge');
});

const names = ['*', '>', 'a b', 'a\tb', 'ü', '', 'a.*', 'a\0', '😀', 'a/b', '=', 'a=2a='];

test('no name makes a subject that is not one, or that stands for others', (t) => {
  const built = names.flatMap((name) => [
    subjects.ack('default', name),
    subjects.pool(name),
    subjects.config('default', { ...key, name }),
    subjects.secret('default', name, 'users'),
  ]);

  for (const subject of built) t.regex(subject, /^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)+$/);
  t.is(new Set(built).size, built.length, 'and different names make different subjects');
});
