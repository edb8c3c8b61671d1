import { checkForwardProxyConfig } from './forward-proxy/check-config.ts';
import type { ForwardProxyConfig } from './forward-proxy/config.ts';
import type { ForwardProxySpec } from './forward-proxy/spec.ts';
import {
  type Lifecycle,
  type LifecycleEvent,
  type LifecycleState,
  lifecycleOf,
} from './lifecycle.ts';
import { checkMirrorRouteConfig } from './mirror-route/check-config.ts';
import type { MirrorRouteConfig } from './mirror-route/config.ts';
import type { MirrorRouteSpec } from './mirror-route/spec.ts';

/** Kind → its types. A new kind is one line here and one below. */
export type Kinds = {
  readonly ForwardProxy: { readonly spec: ForwardProxySpec; readonly config: ForwardProxyConfig };
  readonly MirrorRoute: { readonly spec: MirrorRouteSpec; readonly config: MirrorRouteConfig };
};

export type Kind = keyof Kinds;
export type SpecOf<K extends Kind> = Kinds[K]['spec'];
export type ConfigOf<K extends Kind> = Kinds[K]['config'];
export type EventOf<K extends Kind> = LifecycleEvent<K, ConfigOf<K>>;
export type StateOf<K extends Kind> = LifecycleState<ConfigOf<K>>;

type Facts<K extends Kind> = Lifecycle<K, ConfigOf<K>> & {
  readonly plural: string;
  readonly shortName: string;
};

export const allKinds: { readonly [K in Kind]: Facts<K> } = {
  ForwardProxy: {
    plural: 'forwardproxies',
    shortName: 'fp',
    ...lifecycleOf('ForwardProxy', checkForwardProxyConfig),
  },
  MirrorRoute: {
    plural: 'mirrorroutes',
    shortName: 'mr',
    ...lifecycleOf('MirrorRoute', checkMirrorRouteConfig),
  },
};

/** What all-kinds.ts says of a kind that is only known when the program runs. */
export function factsOf<K extends Kind>(kind: K): Facts<K> {
  return allKinds[kind];
}

export const kinds = Object.keys(allKinds) as readonly Kind[];

export function isKind(name: string): name is Kind {
  return Object.hasOwn(allKinds, name);
}
