import { isRecord, type JsonRecord } from '../contracts/json.ts';
import type { Kind } from '../contracts/kinds/all-kinds.ts';
import type { ServiceReference } from '../contracts/service-reference.ts';
import { group as ourGroup } from './schema/identify.ts';
import type { UnusableService } from './service-endpoints.ts';

/** A resource of this kind, in the namespace `from`, and the Service of another namespace it names. */
export type CrossReference = ServiceReference & { readonly kind: Kind };

/** What we need of a ReferenceGrant: whoever is in `from` may refer to whatever is in `to`. */
export type GrantFacts = {
  readonly from: readonly GrantedFrom[];
  readonly to: readonly GrantedTo[];
};

type GrantedFrom = {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
};

/** `name`: of one object; `null`: any. */
type GrantedTo = { readonly group: string; readonly kind: string; readonly name: string | null };

/** A ReferenceGrant (gateway.networking.k8s.io, v1 or v1beta1). What is not understood permits nothing. */
export function readGrant({ spec }: JsonRecord): GrantFacts {
  const { from, to } = isRecord(spec) ? spec : {};
  return {
    from: recordsOf(from).flatMap(({ group, kind, namespace }) =>
      typeof group === 'string' && typeof kind === 'string' && typeof namespace === 'string'
        ? [{ group, kind, namespace }]
        : [],
    ),
    to: recordsOf(to).flatMap(({ group, kind, name = null }) =>
      typeof group === 'string' &&
      typeof kind === 'string' &&
      (name === null || typeof name === 'string')
        ? [{ group, kind, name }]
        : [],
    ),
  };
}

/** Whether one of them, all of the Service's namespace, permits it. */
export function isPermitted(grants: readonly GrantFacts[], reference: CrossReference): boolean {
  return grants.some(
    ({ from, to }) =>
      from.some((each) => isOfResource(each, reference)) &&
      to.some((each) => isOfService(each, reference)),
  );
}

/** `why`: more than that there is none. */
export function notPermitted(
  { kind, from, namespace, name }: CrossReference,
  why = `no ReferenceGrant there permits it`,
): UnusableService {
  const grant = `from {group: ${ourGroup}, kind: ${kind}, namespace: ${from}} to {group: "", kind: Service, name: ${name}}`;
  return {
    found: false,
    denied: true,
    message: `Service ${namespace}/${name} is in another namespace, and ${why}: namespace ${namespace} needs one ${grant}`,
  };
}

function isOfResource({ group, kind, namespace }: GrantedFrom, reference: CrossReference): boolean {
  return group === ourGroup && kind === reference.kind && namespace === reference.from;
}

function isOfService({ group, kind, name }: GrantedTo, reference: CrossReference): boolean {
  return group === '' && kind === 'Service' && (name === null || name === reference.name);
}

function recordsOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
