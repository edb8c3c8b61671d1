import test from 'ava';
import type { UnresolvedMirror } from '../../../contracts/kinds/mirror-route/config.ts';
import {
  mirrorConfig,
  mirrorRouteConfig,
  ruleConfig,
} from '../../../test/support/mirror-route-config.ts';
import type { Health, HealthFacts } from '../health.ts';
import { health } from './health.ts';

const service = { namespace: 'team-a', name: 'next', from: 'team-a' };
const origin = {
  scheme: 'http',
  host: 'next.team-a.svc',
  port: 80,
  service,
  protocol: 'HTTP1',
} as const;
const names = ['one', 'two'];

function healthOf(
  facts: Partial<HealthFacts>,
  before: Health['mirrors'] = [],
  unresolved: readonly UnresolvedMirror[] = [],
): readonly string[] {
  const mirrors = names.map((name) => mirrorConfig({ name, origin }));
  const config = mirrorRouteConfig({ rules: [ruleConfig({ mirrors })], unresolved });
  const serving = { uid: 'u1', generation: 3, specDigest: 's', inputs: 'd', cause: null, config };
  const told = { troubles: [], isTold: true, isIncomplete: false, ...facts };
  const found = health(serving, told, before);
  return [
    ...found.mirrors.map(({ name, state }) => `${name} ${state}`),
    ...found.findings.map(({ status, reason, message }) => `${status}/${reason} ${message}`.trim()),
  ];
}

const trouble = (part: string, state: string) => ({
  resource: 'MirrorRoute/team-a/shop',
  part: `rule-1/${part}`,
  state,
});

test('mirrors that no pod names are well', (t) => {
  t.deepEqual(healthOf({}), ['rule-1/one Active', 'rule-1/two Active', 'True/Healthy']);
});

test('a mirror is as any pod says; what a pod says of others, or in words nobody knows, is nothing', (t) => {
  const troubles = [
    trouble('one', 'BudgetExhausted'),
    trouble('one', 'BreakerOpen'),
    trouble('two', 'Dancing'),
    trouble('gone', 'BreakerOpen'),
  ];

  t.deepEqual(healthOf({ troubles }), [
    'rule-1/one BreakerOpen',
    'rule-1/two Active',
    'False/BreakerOpen mirrors left alone for a while because they keep failing: rule-1/one',
  ]);
});

test('the reason is what is worst for copies, the message has all', (t) => {
  const troubles = [trouble('one', 'NoEndpoints'), trouble('two', 'BudgetExhausted')];

  t.is(
    healthOf({ troubles }).at(-1),
    'False/BudgetExhausted mirrors losing copies because their limits are used up: rule-1/two; served by nobody: rule-1/one',
  );
});

test('a mirror whose Service is not there is Unresolved, whatever pods say', (t) => {
  const unresolved = [
    { mirror: 'rule-1/one', reason: 'BackendNotFound', message: 'no such Service' } as const,
  ];
  const troubles = [trouble('one', 'NoEndpoints')];

  t.deepEqual(healthOf({ troubles }, [], unresolved), [
    'rule-1/one Unresolved',
    'rule-1/two Active',
    'False/NoEndpoints mirrors not there, see ResolvedRefs: rule-1/one',
  ]);
});

test('while not everything was told, what was not well stays so, and may become worse', (t) => {
  const before = [
    { name: 'rule-1/one', state: 'BreakerOpen' },
    { name: 'rule-1/two', state: 'Active' },
  ] as const;
  const troubles = [trouble('two', 'NoEndpoints')];

  const states = ['rule-1/one BreakerOpen', 'rule-1/two NoEndpoints'];
  t.deepEqual(healthOf({ troubles, isIncomplete: true }, before).slice(0, 2), states);
  t.is(healthOf({ troubles }, before)[0], 'rule-1/one Active');
});

test('where no pod says anything, nothing is known', (t) => {
  const before = [{ name: 'rule-1/one', state: 'Active' }] as const;

  t.deepEqual(healthOf({ isTold: false }, before), []);
});
