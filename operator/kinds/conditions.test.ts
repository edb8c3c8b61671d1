import test from 'ava';
import { conditionReasons } from '../../contracts/conditions.ts';
import type { StateOf } from '../../contracts/kinds/all-kinds.ts';
import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import type { RolloutFacts } from './conditions.ts';
import { conditionsOf as conditions } from './conditions.ts';

const config = { pool: 'default' } as ForwardProxyConfig; // conditions do not read it
const decided = (generation: number) => ({
  uid: 'u1',
  generation,
  specDigest: 's',
  inputs: 'd',
  cause: null,
});
const serving: StateOf<'ForwardProxy'> = { status: 'serving', ...decided(3), config };
const refusedUpdate = (reason: string): StateOf<'ForwardProxy'> => ({
  status: 'rejected',
  ...decided(4),
  reason,
  message: 'port 3128 is held',
  lastGood: { ...decided(3), config },
});
const rollout = (facts: Partial<RolloutFacts>): RolloutFacts => ({
  sequence: 7,
  acked: [],
  pending: [],
  behind: [],
  refused: [],
  unreachable: [],
  tooEarly: false,
  ...facts,
});

/** `Type=Status/Reason@generation` of each condition. */
function summary(state: StateOf<'ForwardProxy'>, facts: RolloutFacts | null): readonly string[] {
  return conditions(state, facts).map(
    ({ type, status, reason, observedGeneration }) =>
      `${type}=${status}/${reason}@${observedGeneration}`,
  );
}

const taken = ['Accepted=True/Accepted@3', 'ResolvedRefs=True/ResolvedRefs@3'];

test('a resource that every live pod serves is programmed and nothing else', (t) => {
  t.deepEqual(summary(serving, rollout({ acked: ['a', 'b'] })), [
    ...taken,
    'Programmed=True/Programmed@3',
  ]);
});

test('a version on its way is pending and reconciling', (t) => {
  t.deepEqual(summary(serving, rollout({ acked: ['a'], pending: ['b'] })), [
    ...taken,
    'Programmed=False/Pending@3',
    'Reconciling=True/Propagating@3',
  ]);
});

test('a refused update leaves the old generation programmed', (t) => {
  t.deepEqual(summary(refusedUpdate('PortConflict'), rollout({ acked: ['a'] })), [
    'Accepted=False/PortConflict@4',
    'ResolvedRefs=Unknown/ResolvedRefs@4',
    'Programmed=True/Programmed@3',
    'Stalled=True/Refused@4',
  ]);
});

test('a missing Secret is a reference that does not resolve', (t) => {
  t.deepEqual(
    summary(
      {
        ...decided(1),
        status: 'rejected',
        reason: 'SecretNotFound',
        message: 'no',
        lastGood: null,
      },
      null,
    ),
    [
      'Accepted=False/UnresolvedRefs@1',
      'ResolvedRefs=False/SecretNotFound@1',
      'Programmed=False/NothingAccepted@1',
      'Stalled=True/Refused@1',
    ],
  );
});

test('a pod that refuses is named, with its reason', (t) => {
  const refusal = {
    resource: 'ForwardProxy/a/b',
    sequence: 7,
    reason: 'PortUnavailable',
    code: 'proxy_configuration_error',
    message: 'port 80: permission denied',
  } as const;

  const found = conditions(serving, rollout({ acked: ['a'], refused: [{ pod: 'b', refusal }] }));

  t.like(found.at(2), {
    type: 'Programmed',
    status: 'False',
    reason: 'PortUnavailable',
    message: 'pod b: port 80: permission denied',
  });
  t.like(found.at(3), { type: 'Stalled', reason: 'RefusedByPod' });
});

test('of Reconciling and Stalled there is one at most, and one while it is not programmed', (t) => {
  const waiting = rollout({ pending: ['a'] });

  t.is(summary(refusedUpdate('PortConflict'), waiting).at(-1), 'Stalled=True/Refused@4');
  t.false(summary(refusedUpdate('PortConflict'), waiting).some((each) => /Reconc/.test(each)));
  t.is(summary(serving, rollout({})).at(-1), 'Reconciling=True/Propagating@3');
});

test('without pods nothing is programmed, but nobody is called absent too early', (t) => {
  t.is(summary(serving, rollout({ tooEarly: true })).at(2), 'Programmed=False/Pending@3');
  t.is(summary(serving, rollout({})).at(2), 'Programmed=False/NoPods@3');
});

test('a silent pod degrades, it does not unprogram', (t) => {
  t.deepEqual(summary(serving, rollout({ acked: ['a'], unreachable: ['b'] })).slice(2), [
    'Programmed=True/ProgrammedExceptUnreachable@3',
    'Degraded=True/PodsUnreachable@3',
  ]);
});

test('a live pod more than ten seconds behind is named', (t) => {
  const facts = rollout({ acked: ['a'], pending: ['b'], behind: ['b'] });

  t.true(summary(serving, facts).includes('Degraded=True/PodsBehind@3'));
});

test('only registered reasons are used', (t) => {
  const all = [
    ...conditions(serving, rollout({ acked: ['a'], unreachable: ['b'] })),
    ...conditions(refusedUpdate('InvalidCredentials'), rollout({ pending: ['a'] })),
  ];
  for (const { type, reason } of all) {
    t.true((conditionReasons[type] as readonly string[]).includes(reason), `${type}/${reason}`);
  }
});
