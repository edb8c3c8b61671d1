import test from 'ava';
import { allKinds, type EventOf } from '../../contracts/kinds/all-kinds.ts';
import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import { createStates } from './states.ts';

const subjects = createSubjects();
const key = { kind: 'ForwardProxy', namespace: 'team-a', name: 'one' } as const;

function entry(sequence: number, subject: string, data: EventOf<'ForwardProxy'>): LogEntry {
  const event = {
    id: String(sequence),
    source: 'directory:test',
    type: allKinds.ForwardProxy.eventTypes[data.type],
    subject: 'ForwardProxy/team-a/one',
    time: '2026-11-20T10:00:00.000Z',
    data,
  };
  return { sequence, subject, event };
}

const decided = (generation: number) => ({
  uid: 'u1',
  generation,
  specDigest: `s${generation}`,
  inputs: `i${generation}`,
  cause: null,
});
const configured = (sequence: number, pool = 'default') =>
  entry(sequence, subjects.config(pool, key), {
    type: 'ForwardProxyConfigured',
    ...decided(sequence),
    config: { pool, listeners: [] as unknown } as ForwardProxyConfig, // only its ports are looked at
  });
const rejected = (sequence: number, pool = 'default') =>
  entry(sequence, subjects.journal(pool, key), {
    type: 'ForwardProxyRejected',
    ...decided(sequence),
    reason: 'Invalid',
    message: 'no',
  });
const removed = (sequence: number, pool = 'default') =>
  entry(sequence, subjects.config(pool, key), { type: 'ForwardProxyRemoved', uid: 'u1' });

test('the last entries of a resource add up to its state, in order of sequence', (t) => {
  const states = createStates(subjects);

  states.reset([configured(2), rejected(5)], 5);

  t.like(states.get(key), {
    state: { status: 'rejected', generation: 5, lastGood: { generation: 2 } },
    inForce: { sequence: 2 },
    source: 'directory:test',
    pool: 'default',
  });
});

test('an entry that comes twice counts once', (t) => {
  const states = createStates(subjects);
  states.applyOwn(configured(2));
  states.applyOwn(rejected(5));

  states.apply(configured(2));

  t.is(states.get(key).state.status, 'rejected');
});

test('a snapshot from before our own append does not undo it', (t) => {
  const states = createStates(subjects);
  states.applyOwn(configured(2));
  states.applyOwn(configured(9));

  states.reset([configured(2)], 7);

  t.is(states.get(key).inForce?.sequence, 9);
});

test('a snapshot that lacks a resource means that it is gone', (t) => {
  const states = createStates(subjects);
  states.apply(configured(2));

  states.reset([], 7);

  t.deepEqual(states.all(), []);
});

test('a resource that moved is in force in one pool and left behind in the other', (t) => {
  const states = createStates(subjects);
  states.reset([configured(2, 'old'), configured(5, 'new')], 5);
  t.like(states.get(key), { inForce: { sequence: 5 }, leftBehind: [{ sequence: 2 }] });

  states.apply(removed(7, 'old'));

  t.like(states.get(key), {
    inForce: { sequence: 5 },
    leftBehind: [],
    state: { status: 'serving' },
  });
});

test('a removal leaves a tombstone until the resource comes back', (t) => {
  const states = createStates(subjects);
  states.reset([configured(2)], 2);
  states.apply(removed(5));
  t.deepEqual(states.all(), []);
  t.like(states.tombstones(), [{ sequence: 5 }]);

  states.apply(configured(9));

  t.deepEqual(states.tombstones(), []);
});

test('what a snapshot lacks because nobody can read it is unknown, not absent', (t) => {
  const states = createStates(subjects);
  states.skipped({ type: 'malformed', sequence: 2, subject: configured(2).subject, problem: 'no' });
  states.reset([], 2);
  t.like(states.unknown(key), { sequence: 2, problem: 'no' });
  t.is(states.unknown({ ...key, name: 'two' }), null);

  states.apply(configured(3));
  t.is(states.unknown(key), null);

  states.disconnected();
  states.reset([], 4);
  t.is(states.unknown(key), null, 'it is gone by now');
});

test('what is known of a resource stays, though a newer entry cannot be read', (t) => {
  const states = createStates(subjects);
  states.apply(configured(2));

  states.skipped({ type: 'malformed', sequence: 3, subject: configured(3).subject, problem: 'no' });

  t.is(states.unknown(key), null);
  t.like(states.get(key), { inForce: { sequence: 2 } });
});

test('a refusal that nobody can read is decided again', (t) => {
  const states = createStates(subjects);

  states.skipped({ type: 'malformed', sequence: 2, subject: rejected(2).subject, problem: 'no' });

  t.is(states.unknown(key), null);
});

test('the generation of an edit that was undone is remembered until something is recorded', (t) => {
  const states = createStates(subjects);
  states.applyOwn(configured(2));

  states.looked(key, { ...decided(2), generation: 4 });
  t.is(states.undoneGeneration(key), 4);
  states.reset([configured(2)], 2);
  t.is(states.undoneGeneration(key), 0, 'it is looked at again');

  states.looked(key, { ...decided(2), generation: 4 });
  states.looked(key, decided(5));
  t.is(states.undoneGeneration(key), 0, 'this is another edit');
  states.looked(key, { ...decided(2), generation: 6, uid: 'u2' });
  t.is(states.undoneGeneration(key), 0, 'this is another resource');
});
