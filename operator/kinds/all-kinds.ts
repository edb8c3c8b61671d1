import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Decider } from './decider.ts';
import { forwardProxyDecider } from './forward-proxy/decider.ts';

/** Kind → decider; does not compile while one is missing. */
export const deciders: { readonly [K in Kind]: Decider<K> } = {
  ForwardProxy: forwardProxyDecider,
};
