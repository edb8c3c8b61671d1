import type { ConfigOf, Kind, SpecOf } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import { resolveForwardProxy } from '../kinds/forward-proxy/resolve-config.ts';
import { resolveMirrorRoute } from '../kinds/mirror-route/resolve-config.ts';
import type { FieldProblem, Resolution } from '../kinds/resolve-fields.ts';

/** What only the code of a kind can see wrong with a spec: a network with too many bits, say. */
type Resolve<K extends Kind> = (spec: SpecOf<K>, resource: ResourceKey) => Resolution<ConfigOf<K>>;

const byKind: { readonly [K in Kind]: Resolve<K> } = {
  // Whether the Secret is there is not the writer's mistake, and may change by itself.
  ForwardProxy: (spec, resource) =>
    resolveForwardProxy(spec, { ...resource, secretDigest: 'assumed' }),
  MirrorRoute: resolveMirrorRoute,
};

export function findProblems<K extends Kind>(
  resource: ResourceKey & { readonly kind: K },
  spec: SpecOf<K>,
): readonly FieldProblem[] {
  const resolved = byKind[resource.kind](spec, resource);
  return 'problem' in resolved ? resolved.problems : [];
}
