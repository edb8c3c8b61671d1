import { isLocal } from '../../contracts/service-reference.ts';
import { type CrossReference, isPermitted, notPermitted } from '../reference-grants.ts';
import {
  type ObservedService,
  observedService,
  type UnusableService,
} from '../service-endpoints.ts';
import type { Entry } from './read-file.ts';

/** A Service as files have it, with its EndpointSlices: what a cluster would make of its selector is written down. */
export function findService(
  entries: Iterable<Entry>,
  namespace: string,
  name: string,
): ObservedService {
  const here = [...entries].filter((entry) => entry.namespace === namespace);
  const service = here.find((entry) => entry.type === 'service' && entry.name === name);
  if (service?.type !== 'service') {
    const message = `there is no Service ${namespace}/${name}: write it with an EndpointSlice, or use url`;
    return { found: false, message };
  }
  const slices = here.flatMap((entry) =>
    entry.type === 'slice' && entry.service === name ? [entry.facts] : [],
  );
  return observedService(`${namespace}/${name}`, service.facts, slices);
}

/** Why no ReferenceGrant in the files permits a reference. What one with mistakes permitted stays. */
export function refuseReference(
  entries: Iterable<Entry>,
  reference: CrossReference,
): UnusableService | null {
  if (isLocal(reference)) return null;
  const grants = [...entries].flatMap((entry) =>
    entry.type === 'grant' && entry.namespace === reference.namespace ? [entry] : [],
  );
  const readable = grants.flatMap(({ facts }) => facts ?? []);
  if (isPermitted(readable, reference)) return null;
  const broken = grants.find(({ facts }) => facts === null);
  if (broken === undefined) return notPermitted(reference);
  const why = `the ReferenceGrant ${broken.name} there has mistakes (${broken.file}:${broken.line})`;
  return { ...notPermitted(reference, why), forbidden: true };
}
