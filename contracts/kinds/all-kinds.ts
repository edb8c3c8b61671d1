import type { ForwardProxyConfig } from './forward-proxy/config.ts';
import { desiredForwardProxy } from './forward-proxy/desired.ts';
import {
  type ForwardProxyEvent,
  forwardProxyEventTypes,
  isForwardProxyEvent,
} from './forward-proxy/events.ts';
import { evolve, type ForwardProxyState, initialState, lastGood } from './forward-proxy/evolve.ts';
import type { ForwardProxySpec } from './forward-proxy/spec.ts';

/** Kind → its types. A new kind is one line here and one below. */
export type Kinds = {
  readonly ForwardProxy: {
    readonly spec: ForwardProxySpec;
    readonly config: ForwardProxyConfig;
    readonly event: ForwardProxyEvent;
    readonly state: ForwardProxyState;
  };
};

export type Kind = keyof Kinds;
export type SpecOf<K extends Kind> = Kinds[K]['spec'];
export type ConfigOf<K extends Kind> = Kinds[K]['config'];
export type EventOf<K extends Kind> = Kinds[K]['event'];
export type StateOf<K extends Kind> = Kinds[K]['state'];

export const allKinds = {
  ForwardProxy: {
    plural: 'forwardproxies',
    shortName: 'fp',
    eventTypes: forwardProxyEventTypes,
    isEvent: isForwardProxyEvent,
    desired: desiredForwardProxy,
    initialState,
    evolve,
    lastGood,
  },
} as const satisfies Record<Kind, unknown>;

export const kinds = Object.keys(allKinds) as readonly Kind[];

export function isKind(name: string): name is Kind {
  return Object.hasOwn(allKinds, name);
}
