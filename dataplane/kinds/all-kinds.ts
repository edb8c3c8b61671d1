import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Serve } from '../workers/context.ts';
import { serveForwardProxy } from './forward-proxy/serve.ts';
import { serveMirrorRoute } from './mirror-route/serve.ts';

/** Kind → how it is served; does not compile while one is missing. */
const serveKind: { readonly [K in Kind]: Serve<K> } = {
  ForwardProxy: serveForwardProxy,
  MirrorRoute: serveMirrorRoute,
};

/** How a resource of this kind is served. */
export function serveOf<K extends Kind>(kind: K): Serve<K> {
  return serveKind[kind];
}
