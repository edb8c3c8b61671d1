import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Serve } from '../workers/context.ts';
import { serveForwardProxy } from './forward-proxy/serve.ts';

/** Kind → how it is served; does not compile while one is missing. */
export const serveKind: { readonly [K in Kind]: Serve<K> } = {
  ForwardProxy: serveForwardProxy,
};
