import type { Serve } from '../../workers/context.ts';
import { ForwardProxyServing } from './serving/forward-proxy-serving.ts';

/**
 * Serves one ForwardProxy in one thread.
 *
 *   client ─▶ listener ─▶ sniff ─┬▶ http ─┬▶ exchange ─▶ pool ─▶ dial ─▶ origin     GET http://…
 *                                │        ├▶ connect ──┐
 *                                │        └▶ upgrade ──┤
 *                                └▶ socks ─────────────┴▶ tunnel ─▶ dial ─▶ relay ─▶ origin
 */
export const serveForwardProxy: Serve<'ForwardProxy'> = (context, resource) =>
  new ForwardProxyServing(context, resource);
