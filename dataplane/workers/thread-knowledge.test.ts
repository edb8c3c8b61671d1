import test from 'ava';
import { forwardProxyConfig } from '../../test/support/forward-proxy-config.ts';
import type { Snapshot } from './messages.ts';
import { changeFor, knowledgeOf, nothingKnown } from './thread-knowledge.ts';

const served = (uid: string, sequence: number): Snapshot['resources'][number] => ({
  ...{ kind: 'ForwardProxy', uid, namespace: 'team-a', name: uid, generation: 1, sequence },
  ...{ config: forwardProxyConfig(), secrets: {}, certificates: {} },
  limits: new SharedArrayBuffer(8),
  idle: new SharedArrayBuffer(8),
  clients: null,
  budgets: {},
  endpoints: {},
  endpointsSequence: 0,
});
const socket = (uid: string, port: number, others: readonly string[] = []) => ({
  ...{ address: '::', port, uid, listener: 'all', others, fd: null },
});
const snapshot = (
  resources: Snapshot['resources'],
  sockets: Snapshot['sockets'],
  version = 2,
): Snapshot => ({ version, resources, sockets, self: [{ address: '::', port: 9127 }] });

const before = snapshot(
  [served('a', 1), served('b', 2)],
  [socket('a', 1080), socket('b', 3128)],
  1,
);
const changeTo = (next: Snapshot, from = knowledgeOf(before)) =>
  changeFor(from, next, knowledgeOf(next), (key) => key.length);

test('a new thread is told everything', (t) => {
  const change = changeTo(before, nothingKnown);
  t.deepEqual(change.resources, before.resources);
  t.deepEqual(
    change.sockets.map(({ port, fd }) => [port, fd]),
    [
      [1080, '[::]'.length + 3],
      [3128, '[::]'.length + 3],
    ],
  );
  t.deepEqual(change.self, before.self);
});

test('of an edit a thread is told the edited resource alone', (t) => {
  const edited = served('b', 7);
  t.deepEqual(changeTo(snapshot([served('a', 1), edited], before.sockets)), {
    version: 2,
    resources: [edited],
    removed: [],
    sockets: [],
    closed: [],
    self: null,
  });
});

test('a resource that takes over a port needs no descriptor, and one that is gone is named', (t) => {
  const change = changeTo(snapshot([served('a', 9)], [socket('a', 3128)]));
  t.deepEqual(change.removed, ['b']);
  t.deepEqual(change.closed, [':: 1080']);
  t.deepEqual(change.sockets, [socket('a', 3128)]);
  t.not(change.self, null);
});

test('a thread is told when others come to share a port, or leave it', (t) => {
  const shared = [before.sockets[0] ?? socket('a', 1080), socket('b', 3128, ['a'])];
  const known = snapshot(before.resources, shared);

  t.deepEqual(changeTo(known).sockets, [socket('b', 3128, ['a'])]);
  t.deepEqual(changeTo(known, knowledgeOf(known)).sockets, []);
  t.deepEqual(changeTo(before, knowledgeOf(known)).sockets, [socket('b', 3128)]);
});
