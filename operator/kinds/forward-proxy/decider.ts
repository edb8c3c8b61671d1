import type { Decider } from '../decider.ts';
import { conditions } from './conditions.ts';
import { decide } from './decide.ts';
import { checkSecret, secretsIn, secretsOf, withDigests } from './references.ts';
import { resolveForwardProxy } from './resolve-config.ts';

export const forwardProxyDecider: Decider<'ForwardProxy'> = {
  poolOf: ({ pool }) => pool,
  secretsOf,
  checkSecret,
  resolve(spec, { namespace, name }, [secretDigest = null]) {
    const resolution = resolveForwardProxy(spec, { namespace, name, secretDigest });
    if ('config' in resolution) return { accepted: true, config: resolution.config };
    const problems = resolution.problems.map(({ field, message }) => `${field}: ${message}`);
    return { accepted: false, reason: 'UnsupportedValue', message: problems.join('; ') };
  },
  listenersOf: ({ listeners }) =>
    listeners.map(({ name, address, port }) => ({ listener: name, address, port })),
  secretsIn,
  withDigests,
  decide,
  conditions,
};
