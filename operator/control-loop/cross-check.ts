import type { Kind, SpecOf } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { KnownService, Resolved } from '../kinds/decider.ts';
import type { CrossReference } from '../reference-grants.ts';
import { claimsOf } from './port-table.ts';
import { describeConflict, findConflict, type PortClaim } from './ports.ts';
import type { ObservedSecret, Problem } from './source.ts';

/** A resource that is valid by itself, and where it is written. */
export type Placed<K extends Kind = Kind> = {
  readonly key: ResourceKey & { readonly kind: K };
  readonly spec: SpecOf<K>;
  readonly file: string;
  readonly line: number;
};

/** What resources may refer to. */
export type CrossChecked = Pick<Resolved, 'caOf'> & {
  readonly readService: (reference: CrossReference) => KnownService;
  readonly readSecret: (namespace: string, name: string) => ObservedSecret;
};

/** What is wrong between resources: Secrets and Services that are not there or useless, ports wanted twice. Pure. */
export function findCrossProblems(
  resources: readonly Placed[],
  { readSecret, readService, caOf }: CrossChecked,
): readonly Problem[] {
  const held = new Map<string, PortClaim[]>();
  return [...resources].sort(byKey).flatMap((placed) => {
    const { key, spec, file, line } = placed;
    const decider = deciderOf(key.kind);
    const at = (field: string, message: string): Problem => ({ file, line, field, message });

    const references = decider.secretsOf(spec, key);
    const ofSecrets = references.flatMap((reference) => {
      const observed = readSecret(reference.namespace, reference.name);
      if (!observed.found) return [at('spec', observed.message)];
      const refusal = decider.checkSecret(reference, observed.fields);
      return refusal === null ? [] : [at('spec', refusal.message)];
    });
    const digests = references.map(() => 'unknown');
    const resolved = decider.resolve(spec, key, {
      digests,
      serviceOf: (reference) => readService({ kind: key.kind, ...reference }),
      caOf,
      created: '',
    });
    if (!resolved.accepted) return [...ofSecrets, at('spec', resolved.message)];

    const pool = decider.poolOf(spec);
    const incumbents = held.get(pool) ?? [];
    const wanted = claimsOf(key, resolved.config);
    const conflict = findConflict(wanted, () => incumbents);
    if (conflict !== null) return [...ofSecrets, at('spec.listeners', describeConflict(conflict))];
    held.set(pool, [...incumbents, ...wanted]);
    return ofSecrets;
  });
}

function byKey(one: Placed, other: Placed): number {
  return formatKey(one.key) < formatKey(other.key) ? -1 : 1;
}
