import type { MirrorRouteConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { sharingOf } from '../../../contracts/kinds/mirror-route/sharing.ts';
import { decideAs } from '../decide.ts';
import type { Decider, Resolved } from '../decider.ts';
import { listenersIn, outcomeOf } from '../resolved.ts';
import { casIn, casOf } from './ca-certificates.ts';
import { checkSecret, secretsIn, secretsOf, withDigests } from './certificates.ts';
import { conditions } from './conditions.ts';
import { health } from './health.ts';
import { withBackends, withReferences } from './references.ts';
import { resolveMirrorRoute } from './resolve-config.ts';
import { servicesIn, servicesOf } from './services.ts';

export const mirrorRouteDecider: Decider<'MirrorRoute'> = {
  poolOf: ({ pool }) => pool,
  secretsOf,
  checkSecret,
  servicesOf,
  casOf,
  resolve(spec, key, resolved) {
    const outcome = outcomeOf<'MirrorRoute'>(resolveMirrorRoute(spec, key));
    return outcome.accepted ? withBackends(asOfNow(outcome.config, resolved), resolved) : outcome;
  },
  listenersOf: (config) => listenersIn(config, sharingOf),
  drainMsOf: ({ drain }) => drain.timeoutMs,
  secretsIn,
  servicesIn,
  casIn,
  withReferences: (config, resolved) => withReferences(asOfNow(config, resolved), resolved),
  decide: decideAs('MirrorRoute'),
  conditions,
  health,
};

function asOfNow(config: MirrorRouteConfig, { digests, created }: Resolved): MirrorRouteConfig {
  return { ...withDigests(config, digests), created };
}
