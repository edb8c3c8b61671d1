import test from 'ava';
import { allKinds, type EventOf } from '../../contracts/kinds/all-kinds.ts';
import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import { decideAs } from './decide.ts';
import type { Considered } from './decider.ts';

const config = { pool: 'default' } as ForwardProxyConfig; // decide passes it on, unread
const other = { pool: 'default', listeners: [] as unknown } as ForwardProxyConfig;

const { evolve, initialState } = allKinds.ForwardProxy;
const decide = decideAs('ForwardProxy');

const given = (...events: readonly EventOf<'ForwardProxy'>[]) =>
  events.reduce(evolve, initialState);

const decided = (inputs: string, generation = 1, uid = 'u1') => ({
  uid,
  generation,
  specDigest: `spec of ${inputs}`,
  inputs,
  cause: null,
});
const accepted = (inputs: string, generation = 1, uid = 'u1'): Considered<'ForwardProxy'> => ({
  decided: decided(inputs, generation, uid),
  outcome: { accepted: true, config },
});
const refused = (inputs: string, generation = 1, uid = 'u1'): Considered<'ForwardProxy'> => ({
  decided: decided(inputs, generation, uid),
  outcome: { accepted: false, reason: 'Invalid', message: 'spec.listeners: missing' },
});
const configured = (inputs: string, generation = 1, uid = 'u1'): EventOf<'ForwardProxy'> => ({
  type: 'ForwardProxyConfigured',
  ...decided(inputs, generation, uid),
  config: other,
});
const rejected = (inputs: string, generation = 1, uid = 'u1'): EventOf<'ForwardProxy'> => ({
  type: 'ForwardProxyRejected',
  ...decided(inputs, generation, uid),
  reason: 'Invalid',
  message: 'spec.listeners: missing',
});

test('a new resource is configured', (t) => {
  t.deepEqual(decide(initialState, accepted('d1')), [
    { type: 'ForwardProxyConfigured', ...decided('d1'), config },
  ]);
});

test('what was decided from the same inputs is not decided again', (t) => {
  t.deepEqual(decide(given(configured('d1')), accepted('d1')), []);
  t.deepEqual(decide(given(rejected('d1')), refused('d1')), []);
});

test('a rotated Secret is decided again although the generation did not move', (t) => {
  t.like(decide(given(configured('d1')), accepted('d2')), [
    { type: 'ForwardProxyConfigured', inputs: 'd2', generation: 1 },
  ]);
});

test('an older generation of the same resource changes nothing', (t) => {
  t.deepEqual(decide(given(configured('d2', 2)), accepted('d1', 1)), []);
});

test('a bad spec is rejected and the last good config keeps serving', (t) => {
  const state = given(configured('d1'));

  const events = decide(state, refused('d2', 2));

  t.deepEqual(events, [rejected('d2', 2)]);
  t.like(events.reduce(evolve, state), { status: 'rejected', lastGood: { config: other } });
});

test('a rejected resource that is good again is configured, even with the config in force', (t) => {
  const state = given(configured('d1'), rejected('d2', 2));

  t.like(decide(state, accepted('d1', 3)), [{ type: 'ForwardProxyConfigured', generation: 3 }]);
});

test('a resource that is gone is removed once', (t) => {
  const state = given(configured('d1'));

  const events = decide(state, null);

  t.deepEqual(events, [{ type: 'ForwardProxyRemoved', uid: 'u1' }]);
  t.deepEqual(decide(events.reduce(evolve, state), null), []);
});

test('another resource of the same name that is refused does not inherit what served before', (t) => {
  const state = given(configured('d1'));

  const events = decide(state, refused('d2', 1, 'u2'));

  t.deepEqual(events, [{ type: 'ForwardProxyRemoved', uid: 'u1' }, rejected('d2', 1, 'u2')]);
  t.like(events.reduce(evolve, state), { status: 'rejected', uid: 'u2', lastGood: null });
});
