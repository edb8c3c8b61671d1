import type {
  MirrorRouteConfig,
  OriginConfig,
  UnresolvedReference,
} from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { ResourceKey } from '../../../contracts/resource-key.ts';
import type { CaReference, Resolved } from '../decider.ts';

type CaOf = Pick<Resolved, 'caOf'>;

/** Secrets of who may sign certificates of backends and mirrors, as they are written. */
export function casOf(
  { rules }: MirrorRouteSpec,
  { namespace }: ResourceKey,
): readonly CaReference[] {
  return rules.flatMap(({ backendRefs, mirrors = [] }) =>
    [...backendRefs, ...mirrors].flatMap(({ tls }) =>
      (tls?.caCertificateRefs ?? []).map(({ name }) => ({ namespace, name })),
    ),
  );
}

export function casIn({ rules }: MirrorRouteConfig): readonly CaReference[] {
  return rules.flatMap(({ backends, mirrors }) =>
    [...backends, ...mirrors].flatMap(({ origin }) => casOfOrigin(origin)),
  );
}

/** The same origin with the certificates as they are now. */
export function withCas(origin: OriginConfig, { caOf }: CaOf): OriginConfig {
  if (origin.scheme === 'http' || origin.tls.caCertificates === null) return origin;
  const caCertificates = origin.tls.caCertificates.map(({ namespace, name }) => {
    const known = caOf({ namespace, name });
    return { namespace, name, pem: known.found ? known.pem : null };
  });
  return { ...origin, tls: { ...origin.tls, caCertificates } };
}

/** What is wrong with the first of an origin's CA certificates; `null`: nothing. `field` is that of its tls. */
export function findCaProblem(
  origin: OriginConfig,
  { caOf }: CaOf,
  field: string,
): UnresolvedReference | null {
  for (const [index, reference] of casOfOrigin(origin).entries()) {
    const known = caOf(reference);
    if (known.found) continue;
    const message = `${field}.caCertificateRefs[${index}]: ${known.message}`;
    return { reason: 'InvalidCACertificateRef', message };
  }
  return null;
}

function casOfOrigin(origin: OriginConfig): readonly CaReference[] {
  if (origin.scheme === 'http') return [];
  return (origin.tls.caCertificates ?? []).map(({ namespace, name }) => ({ namespace, name }));
}
