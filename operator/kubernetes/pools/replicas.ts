import { clusterNames } from '../../../contracts/cluster-names.ts';
import { isRecord } from '../../../contracts/json.ts';
import type { KubernetesApi } from '../api.ts';
import type { KubernetesObject } from '../objects.ts';
import type { Manifest } from './manifest.ts';

/** Holds `replicas` from when we let go of it until a HorizontalPodAutoscaler sets it. */
const fieldManager = 'headgate-replicas';

/**
 * Lets go of `replicas` without changing it, where `manifest` has none: a field that nobody owns any
 * more would become 1.
 */
export async function handOverReplicas(
  api: KubernetesApi,
  path: string,
  { apiVersion, kind, metadata, spec }: Manifest,
  options: { readonly signal: AbortSignal; readonly mayStart: () => boolean },
): Promise<void> {
  if (!isRecord(spec) || spec['replicas'] !== undefined) return;
  const live = await api.get(path, options.signal);
  const replicas = isRecord(live['spec']) ? live['spec']['replicas'] : undefined;
  if (replicas === undefined || !ownsReplicas(live)) return;
  const { name, namespace } = metadata;
  const handed = { apiVersion, kind, metadata: { name, namespace }, spec: { replicas } };
  await api.apply(path, handed, { fieldManager, ...options });
}

/** Whether the manager has ever written to the object, and some of it is still there. */
export function isManagedBy(object: KubernetesObject, manager: string): boolean {
  return managedFieldsOf(object, manager).length > 0;
}

function ownsReplicas(object: KubernetesObject): boolean {
  return managedFieldsOf(object, clusterNames.fieldManager).some(({ fieldsV1 }) => {
    const spec = isRecord(fieldsV1) ? fieldsV1['f:spec'] : undefined;
    return isRecord(spec) && spec['f:replicas'] !== undefined;
  });
}

function managedFieldsOf({ metadata }: KubernetesObject, manager: string) {
  const { managedFields } = metadata;
  if (!Array.isArray(managedFields)) return [];
  return managedFields.filter(isRecord).filter((entry) => entry['manager'] === manager);
}
