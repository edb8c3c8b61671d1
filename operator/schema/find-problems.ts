import type { Kind, SpecOf } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import { resolveForwardProxy } from '../kinds/forward-proxy/resolve-config.ts';
import type { FieldProblem } from '../kinds/forward-proxy/resolve-fields.ts';

/** What only the code of a kind can see wrong with a spec: a network with too many bits, say. */
type FindProblems<K extends Kind> = (
  resource: ResourceKey,
  spec: SpecOf<K>,
) => readonly FieldProblem[];

const byKind: { readonly [K in Kind]: FindProblems<K> } = {
  ForwardProxy: (resource, spec) => {
    // Whether the Secret is there is not the writer's mistake, and may change by itself.
    const resolved = resolveForwardProxy(spec, { ...resource, secretDigest: 'assumed' });
    return 'problem' in resolved ? resolved.problems : [];
  },
};

export function findProblems<K extends Kind>(
  resource: ResourceKey & { readonly kind: K },
  spec: SpecOf<K>,
): readonly FieldProblem[] {
  return byKind[resource.kind](resource, spec);
}
