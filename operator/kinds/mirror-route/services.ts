import type {
  MirrorRouteConfig,
  OriginConfig,
  UnresolvedReference,
} from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { ResourceKey } from '../../../contracts/resource-key.ts';
import type { ServiceReference } from '../../../contracts/service-reference.ts';
import type { Resolved } from '../decider.ts';

/** Services of backends and mirrors, as they are written. */
export function servicesOf(
  { rules }: MirrorRouteSpec,
  { namespace: from }: ResourceKey,
): readonly ServiceReference[] {
  return rules.flatMap(({ backendRefs, mirrors = [] }) =>
    [...backendRefs, ...mirrors.map(({ backendRef }) => backendRef)].flatMap(
      ({ name, namespace = from }) => (name === undefined ? [] : [{ namespace, name, from }]),
    ),
  );
}

export function servicesIn({ rules }: MirrorRouteConfig): readonly ServiceReference[] {
  return rules.flatMap(({ backends, mirrors }) =>
    [...backends, ...mirrors].flatMap(({ origin }) => origin.service ?? []),
  );
}

/** What is wrong with the Service that an origin is; `null`: nothing, or it is none. */
export function findServiceProblem(
  { service, port }: OriginConfig,
  { serviceOf }: Pick<Resolved, 'serviceOf'>,
): UnresolvedReference | null {
  if (service === null) return null;
  const reason = 'BackendNotFound';
  const known = serviceOf(service);
  if (!known.found) {
    return { reason: known.denied ? 'RefNotPermitted' : reason, message: known.message };
  }
  if (known.ports.includes(port)) return null;
  const ports = known.ports.length === 0 ? 'none' : known.ports.join(', ');
  const message = `Service ${service.namespace}/${service.name} has no TCP port ${port}; it has ${ports}`;
  return { reason, message };
}
