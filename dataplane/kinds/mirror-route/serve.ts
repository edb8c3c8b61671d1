import type { Serve } from '../../workers/context.ts';
import { MirrorRouteServing } from './serving/mirror-route-serving.ts';

/**
 * Serves one MirrorRoute in one thread.
 *
 *   client ─▶ listener ─▶ http ─▶ route ─┬▶ exchange ─▶ pool ─▶ dial ─▶ backend
 *                                        │      └▶ copies ─▶ queue ─▶ pool ─▶ dial ─▶ mirror
 *                                        └▶ upgrade ─▶ tunnel ─▶ dial ─▶ relay ─▶ backend
 */
export const serveMirrorRoute: Serve<'MirrorRoute'> = (context, resource) =>
  new MirrorRouteServing(context, resource);
