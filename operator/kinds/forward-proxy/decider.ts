import { conditionsOf } from '../conditions.ts';
import { decideAs } from '../decide.ts';
import type { Decider } from '../decider.ts';
import { nothingKnown } from '../health.ts';
import { listenersIn, outcomeOf } from '../resolved.ts';
import { checkSecret, secretsIn, secretsOf, withDigests } from './references.ts';
import { resolveForwardProxy } from './resolve-config.ts';

export const forwardProxyDecider: Decider<'ForwardProxy'> = {
  poolOf: ({ pool }) => pool,
  secretsOf,
  checkSecret,
  servicesOf: () => [],
  casOf: () => [],
  resolve: (spec, { namespace, name }, { digests: [secretDigest = null] }) =>
    outcomeOf(resolveForwardProxy(spec, { namespace, name, secretDigest })),
  listenersOf: (config) => listenersIn(config, () => null),
  drainMsOf: ({ drain }) => drain.timeoutMs,
  secretsIn,
  servicesIn: () => [],
  casIn: () => [],
  withReferences: (config, { digests }) => ({
    accepted: true,
    config: withDigests(config, digests),
  }),
  decide: decideAs('ForwardProxy'),
  conditions: conditionsOf,
  health: () => nothingKnown,
};
