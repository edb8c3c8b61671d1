import test from 'ava';
import type { Refusal } from '../../contracts/acknowledgement.ts';
import type { Pod } from './pods.ts';
import { advance, factsOf, healthFactsOf, propagationOf, type Rollout } from './rollout.ts';

const publishedAt = '2026-11-20T10:00:00.000Z';
const at = (ms: number) => Date.parse(publishedAt) + ms;

const rollout: Rollout = {
  resource: 'ForwardProxy/team-a/egress',
  sequence: 7,
  generation: 2,
  publishedAt,
  measured: true,
  arrivals: new Map(),
  completed: null,
};
const pod = (name: string, applied: number, more: Partial<Pod> = {}): Pod => ({
  name,
  applied,
  refusals: [],
  listsAllRefusals: true,
  health: null,
  heardAtMs: at(0),
  reachable: true,
  ...more,
});
const refusal: Refusal = {
  resource: rollout.resource,
  sequence: 7,
  reason: 'PortUnavailable',
  code: 'proxy_configuration_error',
  message: 'taken',
};

test('a rollout is partial, then complete, with the times its pods took', (t) => {
  const half = advance(rollout, [pod('a', 7), pod('b', 6)], at(10));
  t.like(propagationOf(half, [pod('a', 7), pod('b', 6)], at(10)), {
    state: 'Partial',
    desired: 2,
    acked: 1,
    first: 10,
    lagging: [{ pod: 'b', version: 6, error: null }],
  });

  const whole = advance(half, [pod('a', 7), pod('b', 8)], at(30));

  t.like(propagationOf(whole, [], at(99)), {
    state: 'Complete',
    completedAt: '2026-11-20T10:00:00.030Z',
    acked: 2,
    first: 10,
    p50: 10,
    p99: 30,
    max: 30,
    lagging: [],
  });
});

test('a complete rollout is frozen: pods that come and go do not rewrite it', (t) => {
  const whole = advance(rollout, [pod('a', 7)], at(10));
  const later = [pod('a', 9), pod('b', 9), pod('c', 0, { reachable: false })];

  t.true(propagationOf(whole, later, at(60_000)) === whole.completed);
});

test('a refusal after completion degrades it and keeps its times', (t) => {
  const whole = advance(rollout, [pod('a', 7)], at(10));

  t.like(propagationOf(whole, [pod('a', 9, { refusals: [refusal] })], at(20)), {
    state: 'Degraded',
    completedAt: '2026-11-20T10:00:00.010Z',
    nacked: 1,
    max: 10,
  });
});

test('a pod that refused another version, or another resource, serves this one', (t) => {
  const others = [
    { ...refusal, sequence: 6 },
    { ...refusal, resource: 'ForwardProxy/team-a/other' },
  ];

  const facts = factsOf(rollout, [pod('a', 7, { refusals: others })], at(0), false);

  t.deepEqual(facts.acked, ['a']);
});

test('of a pod that cannot list all its refusals nothing is claimed', (t) => {
  const facts = factsOf(rollout, [pod('a', 7, { listsAllRefusals: false })], at(0), false);

  t.deepEqual([facts.acked, facts.pending], [[], ['a']]);
});

test('a live pod is behind after ten seconds, not before', (t) => {
  t.deepEqual(factsOf(rollout, [pod('a', 6)], at(9999), false).behind, []);
  t.deepEqual(factsOf(rollout, [pod('a', 6)], at(10_001), false).behind, ['a']);
});

test('how long it took is not guessed for what was published before anybody listened', (t) => {
  const whole = advance({ ...rollout, measured: false }, [pod('a', 7)], at(86_400_000));

  t.like(whole.completed, { state: 'Complete', first: null, p50: null, max: null });
});

test('without live pods nothing is complete', (t) => {
  const silent = [pod('a', 7, { reachable: false })];

  t.is(advance(rollout, silent, at(10)).completed, null);
  t.like(propagationOf(rollout, silent, at(10)), { state: 'Pending', desired: 0, unreachable: 1 });
});

test('what is told of parts is told by live pods that tell anything', (t) => {
  const trouble = (resource: string) => ({ resource, part: 'rule-1/canary', state: 'BreakerOpen' });
  const own = trouble(rollout.resource);
  const telling = (name: string, applied: number, ...troubles: readonly (typeof own)[]) =>
    pod(name, applied, { health: { troubles, troubleCount: troubles.length } });
  const facts = (...pods: readonly Pod[]) => healthFactsOf(rollout, pods, false);
  const nothing = { troubles: [], isTold: false, isIncomplete: false };

  t.deepEqual(facts(), nothing);
  t.deepEqual(facts(pod('mute', 7)), nothing);
  t.deepEqual(facts({ ...telling('silent', 7, own), reachable: false }), nothing);
  t.deepEqual(facts(telling('a', 7, own, trouble('MirrorRoute/team-a/b')), pod('mute', 6)), {
    ...{ troubles: [own], isTold: true, isIncomplete: false },
  });
});

test('more is to be told by who does not serve it yet, who cannot say all, and while it is early', (t) => {
  const health = { troubles: [], troubleCount: 0 };
  const served = pod('a', 7, { health });
  const isIncomplete = (...pods: readonly Pod[]) =>
    healthFactsOf(rollout, [served, ...pods], false).isIncomplete;

  t.false(isIncomplete());
  t.true(isIncomplete(pod('b', 6, { health })));
  t.false(isIncomplete(pod('b', 6, { health, reachable: false })));
  t.false(isIncomplete(pod('b', 7, { health, refusals: [refusal] })), 'it serves what it served');
  t.true(isIncomplete(pod('b', 7, { health: { troubles: [], troubleCount: 1 } })));
  t.true(healthFactsOf(rollout, [served], true).isIncomplete);
});
