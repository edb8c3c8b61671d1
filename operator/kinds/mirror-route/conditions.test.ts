import test from 'ava';
import type { UnresolvedMirror } from '../../../contracts/kinds/mirror-route/config.ts';
import { mirrorRouteConfig } from '../../../test/support/mirror-route-config.ts';
import { conditions } from './conditions.ts';

const serving = (unresolved: readonly UnresolvedMirror[]) =>
  ({
    status: 'serving',
    ...{ uid: 'u1', generation: 3, specDigest: 's', inputs: 'd', cause: null },
    config: mirrorRouteConfig({ unresolved }),
  }) as const;
const missing = (message: string) =>
  ({ mirror: 'rule-1/next', reason: 'BackendNotFound', message }) as const;
const rollout = {
  ...{ sequence: 7, acked: ['a'], pending: [], behind: [], refused: [], unreachable: [] },
  tooEarly: false,
};
const summary = (unresolved: readonly UnresolvedMirror[]) =>
  conditions(serving(unresolved), rollout).map(
    ({ type, status, reason, message }) => `${type}=${status}/${reason} ${message}`,
  );

test('a mirror that is not there is said by ResolvedRefs, and nothing else', (t) => {
  t.deepEqual(summary([missing('no Service team-a/next'), missing('no Service team-a/other')]), [
    'Accepted=True/Accepted ',
    'ResolvedRefs=False/BackendNotFound no Service team-a/next; no Service team-a/other',
    'Programmed=True/Programmed every live pod serves sequence 7',
  ]);
});

test('a route with all its mirrors has nothing more to say', (t) => {
  t.deepEqual(summary([])[1], 'ResolvedRefs=True/ResolvedRefs ');
});

test('of several mirrors the one that nobody permits gives the reason, then the one that nobody vouches for', (t) => {
  const denied = {
    mirror: 'rule-1/denied',
    reason: 'RefNotPermitted',
    message: 'nobody permits team-b/next',
  } as const;
  const untrusted = {
    mirror: 'rule-1/untrusted',
    reason: 'InvalidCACertificateRef',
    message: 'no Secret team-a/ca',
  } as const;

  t.is(
    summary([missing('no Service team-a/other'), untrusted])[1],
    'ResolvedRefs=False/InvalidCACertificateRef no Service team-a/other; no Secret team-a/ca',
  );
  t.is(
    summary([untrusted, missing('no Service team-a/other'), denied])[1],
    'ResolvedRefs=False/RefNotPermitted no Secret team-a/ca; no Service team-a/other; nobody permits team-b/next',
  );
});
