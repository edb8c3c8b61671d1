import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Decider } from './decider.ts';
import { forwardProxyDecider } from './forward-proxy/decider.ts';
import { mirrorRouteDecider } from './mirror-route/decider.ts';

/** Kind → decider; does not compile while one is missing. */
const deciders: { readonly [K in Kind]: Decider<K> } = {
  ForwardProxy: forwardProxyDecider,
  MirrorRoute: mirrorRouteDecider,
};

/** The decider of a kind that is only known when the program runs. */
export function deciderOf<K extends Kind>(kind: K): Decider<K> {
  return deciders[kind];
}
