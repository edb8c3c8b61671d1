import { isRecord, type JsonRecord } from '../../../contracts/json.ts';
import type { KubernetesObject } from '../objects.ts';
import { isAsWished } from './drift.ts';
import { podLabels } from './pod-template.ts';

/** Whether a Service selects the pods of this pool and no others. */
export function selectsPool({ spec }: KubernetesObject, pool: string): boolean {
  return isRecord(spec) && isAsWished(spec['selector'], podLabels(pool), 'selector');
}

/** Whether clients of a Service with these EndpointSlices can only get to pods of this pool, and to at least one. */
export function leadOnlyTo(
  pool: string,
  slices: readonly KubernetesObject[],
  poolOf: (pod: string) => string | null,
): boolean {
  const endpoints = slices.flatMap(endpointsOf);
  return (
    endpoints.some(isReady) &&
    endpoints.every(({ targetRef }) => {
      const name = isRecord(targetRef) ? targetRef['name'] : null;
      return typeof name === 'string' && poolOf(name) === pool;
    })
  );
}

function endpointsOf({ endpoints }: KubernetesObject): readonly JsonRecord[] {
  return Array.isArray(endpoints) ? endpoints.filter(isRecord) : [];
}

/** Not said means ready. */
function isReady({ conditions }: JsonRecord): boolean {
  return !isRecord(conditions) || conditions['ready'] !== false;
}
