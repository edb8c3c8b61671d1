import type { Trouble } from '../../contracts/health-report.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ServedResource } from '../workers/messages.ts';
import { mirrorTroubles } from './mirror-route/mirroring/mirror-troubles.ts';

/** Kind → which of its parts are not well; does not compile while one is missing. */
const troublesIn: {
  readonly [K in Kind]: (resource: ServedResource<K>, nowMs: number) => readonly Trouble[];
} = {
  ForwardProxy: () => [],
  MirrorRoute: mirrorTroubles,
};

/** The parts of a resource that are not well in this pod, read from what its threads share. */
export function troublesOf<K extends Kind>(
  resource: ServedResource<K> & { readonly kind: K },
  nowMs: number,
): readonly Trouble[] {
  return troublesIn[resource.kind](resource, nowMs);
}
