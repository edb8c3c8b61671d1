import { clusterAnnotations } from '../../contracts/cluster-names.ts';
import { isRecord } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceStatus } from '../../contracts/status.ts';
import { digestOf } from '../control-loop/held.ts';
import type { Observed } from '../control-loop/source.ts';
import type { Validator } from '../schema/validator.ts';
import type { KubernetesObject } from './objects.ts';
import { apiVersion } from './our-types.ts';
import { readStatus } from './status-object.ts';

/** What is kept of a resource of ours. */
export type Resource = {
  readonly kind: Kind;
  readonly generation: number;
  readonly createdAt: string;
  /** The annotation as it is written. */
  readonly hold: string | undefined;
  /** Who wrote the spec last. */
  readonly cause: string | null;
  /** Whatever the API server took: its definition may be older or newer than ours. */
  readonly spec: unknown;
  readonly status: ResourceStatus | null;
};

export function keepResource(kind: Kind, object: KubernetesObject): Resource {
  const { metadata, spec, status } = object;
  const { generation = 0, creationTimestamp = '', annotations = {} } = metadata;
  return {
    kind,
    generation,
    createdAt: creationTimestamp,
    hold: annotations[clusterAnnotations.holdAt],
    cause: writerOfSpec(metadata['managedFields']),
    spec: spec ?? {},
    status: readStatus(status),
  };
}

/** Whether a pass could come to another result. */
export function sameWish(a: Resource, b: Resource): boolean {
  return a.generation === b.generation && a.hold === b.hold;
}

/**
 * Checked once more, by our own definition: one in the cluster that is older or newer may have let
 * through what this version of Headgate does not understand.
 */
export function observe(
  validator: Validator,
  {
    namespace,
    name,
    uid,
  }: { readonly namespace: string; readonly name: string; readonly uid: string },
  { kind, generation, createdAt, hold, cause, spec }: Resource,
): NonNullable<Observed<Kind>> {
  const annotations = hold === undefined ? {} : { [clusterAnnotations.holdAt]: hold };
  const object = { apiVersion, kind, metadata: { namespace, name, annotations }, spec };
  const known = { uid, generation, createdAt, cause };
  const validated = validator.validate(object);
  if (validated.ok) {
    const { spec: checked, holdAt } = validated;
    return { ...known, valid: true, spec: checked, specDigest: digestOf(checked), holdAt };
  }
  const problems = validated.problems.map((problem) => ({ ...problem, file: '', line: 0 }));
  return { ...known, valid: false, specDigest: digestOf(spec), problems };
}

/** The manager of the newest entry that owns a part of the spec: the last one who changed it. */
function writerOfSpec(managedFields: unknown): string | null {
  if (!Array.isArray(managedFields)) return null;
  let newest: { readonly manager: string; readonly time: string } | null = null;
  for (const entry of managedFields) {
    if (!isRecord(entry) || !ownsSpec(entry['fieldsV1'])) continue;
    const { manager, time = '' } = entry;
    if (typeof manager !== 'string' || typeof time !== 'string') continue;
    if (newest === null || time >= newest.time) newest = { manager, time };
  }
  return newest?.manager ?? null;
}

function ownsSpec(fields: unknown): boolean {
  return isRecord(fields) && isRecord(fields['f:spec']);
}
