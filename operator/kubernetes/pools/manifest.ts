import { createHash } from 'node:crypto';
import { clusterLabels, clusterNames } from '../../../contracts/cluster-names.ts';
import { canonicalJson } from '../../../contracts/json.ts';

/** An object as it is applied: what is in it is ours, what is not is anybody's. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: ManagedKind;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
} & Readonly<Record<string, unknown>>;

/** Kinds of objects around pods, in the order in which they are removed. */
export const managedKinds = [
  'Deployment',
  'Service',
  'PodDisruptionBudget',
  'ServiceAccount',
  'Secret',
] as const;

export type ManagedKind = (typeof managedKinds)[number];

/** On everything here: an object that carries these, and that nobody needs, is removed. */
export const ourLabels = {
  [clusterLabels.name]: 'headgate',
  [clusterLabels.component]: 'dataplane',
  [clusterLabels.managedBy]: clusterNames.fieldManager,
} as const;

export const ourSelector = [clusterLabels.component, clusterLabels.managedBy]
  .map((label) => `${label}=${ourLabels[label]}`)
  .join(',');

/** Annotation: digest of all that was wished for when the object was written last. */
export const wishAnnotation = 'headgate.dev/wish';

/** The same manifest, with the digest of it among its annotations. */
export function withWish(manifest: Manifest): Manifest {
  const { metadata } = manifest;
  const annotations = { ...metadata.annotations, [wishAnnotation]: digestOf(manifest) };
  return { ...manifest, metadata: { ...metadata, annotations } };
}

/** The names of a Secret's fields but not the fields: whoever reads the digest could guess passwords. */
function digestOf(manifest: Manifest): string {
  const { data } = manifest;
  const known = data === undefined ? manifest : { ...manifest, data: Object.keys(data ?? {}) };
  return shortDigest(known);
}

export function shortDigest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}
