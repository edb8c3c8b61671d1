import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import { isKind, type Kind, kinds } from '../../contracts/kinds/all-kinds.ts';
import type { FieldProblem } from './check-schema.ts';
import { formatField } from './field-path.ts';
import { suggest } from './suggest.ts';

/** What our resources refer to, of Kubernetes' own kinds, and under which apiVersion it is written. */
const referredKinds = {
  Secret: ['v1'],
  Service: ['v1'],
  EndpointSlice: ['discovery.k8s.io/v1'],
  ReferenceGrant: ['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1beta1'],
} as const satisfies Record<string, readonly string[]>;
type ReferredKind = keyof typeof referredKinds;

/** Which resource an object is, before anything else is known about it. */
export type Identity = {
  readonly kind: Kind | ReferredKind;
  readonly namespace: string;
  readonly name: string;
};

export type Identified =
  | { readonly identity: Identity; readonly problems: readonly FieldProblem[] }
  /** `foreign`: a sound object that is none of ours. */
  | {
      readonly identity: null;
      readonly foreign: boolean;
      readonly problems: readonly FieldProblem[];
    };

export const group = 'headgate.dev';
const apiVersion = `${group}/v1alpha1`;

/** Reads apiVersion, kind and metadata. What has no usable name has no identity. */
export function identify(object: unknown): Identified {
  if (!isRecord(object))
    return nobody('', 'is not a resource: apiVersion, kind and metadata are missing');

  const { apiVersion: version, kind, metadata } = object;
  if (typeof version !== 'string') return nobody('apiVersion', `is missing; write ${apiVersion}`);
  if (typeof kind !== 'string') return nobody('kind', `is missing; write ${kinds.join(' or ')}`);
  const known = kindOf(version, kind);
  if (known === null) return unknownKind(version, kind);

  if (!isRecord(metadata)) return nobody('metadata', 'is missing; it holds name and namespace');
  const { name, namespace = 'default' } = metadata;
  const nameProblem = checkName(name, subdomain, 253);
  if (nameProblem !== null) return nobody('metadata.name', nameProblem);
  const namespaceProblem = checkName(namespace, label, 63);
  if (namespaceProblem !== null) return nobody('metadata.namespace', namespaceProblem);

  return {
    identity: { kind: known, namespace: String(namespace), name: String(name) },
    problems: metadataProblems(metadata),
  };
}

function kindOf(version: string, kind: string): Kind | ReferredKind | null {
  if (isReferred(kind) && versionsOf(kind).includes(version)) return kind;
  return version === apiVersion && isKind(kind) ? kind : null;
}

function unknownKind(version: string, kind: string): Identified {
  if (version.startsWith(`${group}/`) && version !== apiVersion) {
    return nobody('apiVersion', `"${version}" is not known here; write ${apiVersion}`);
  }
  if (isKind(kind)) return nobody('apiVersion', `of a ${kind} is ${apiVersion}, not "${version}"`);
  if (isReferred(kind)) {
    const article = kind === 'EndpointSlice' ? 'an' : 'a';
    const right = versionsOf(kind).join(' or ');
    return nobody('apiVersion', `of ${article} ${kind} is ${right}, not "${version}"`);
  }
  const meant = suggest(kind, [...kinds, ...Object.keys(referredKinds)]);
  const hint =
    meant === null
      ? `known are ${[...kinds, ...Object.keys(referredKinds)].join(', ')}`
      : `did you mean ${meant}?`;
  const problem = { field: 'kind', message: `"${kind}" of ${version} is not known here; ${hint}` };
  return { identity: null, foreign: version !== apiVersion && meant === null, problems: [problem] };
}

function versionsOf(kind: ReferredKind): readonly string[] {
  return referredKinds[kind];
}

function isReferred(kind: string): kind is ReferredKind {
  return Object.hasOwn(referredKinds, kind);
}

function nobody(field: string, message: string): Identified {
  return { identity: null, foreign: false, problems: [{ field, message }] };
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** RFC 1123: names become parts of subjects and file names, so nothing else may come through. */
function checkName(name: unknown, form: RegExp, maxLength: number): string | null {
  if (name === undefined || name === null || name === '') return 'is missing';
  if (typeof name !== 'string')
    return `must be text, not ${JSON.stringify(name)}: put it in quotes`;
  if (name.length > maxLength) return `is too long: ${maxLength} characters at most`;
  if (form.test(name)) return null;
  return `${JSON.stringify(name.slice(0, 80))} is not a name of lower-case letters, digits and "-", such as team-a`;
}

/** What `kubectl get -o yaml` prints may come back; it means nothing here. */
const metadataFields = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'finalizers',
  'ownerReferences',
  'managedFields',
  'generateName',
  'selfLink',
];

function metadataProblems(metadata: JsonRecord): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const field of Object.keys(metadata)) {
    if (metadataFields.includes(field)) continue;
    const meant = suggest(field, metadataFields);
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    problems.push({
      field: formatField(['metadata', field]),
      message: `is not a known field${hint}`,
    });
  }
  for (const field of ['labels', 'annotations']) {
    for (const [name, value] of Object.entries(metadata[field] ?? {})) {
      if (typeof value === 'string') continue;
      problems.push({
        field: formatField(['metadata', field, name]),
        message: `must be text, not ${JSON.stringify(value)}: put it in quotes`,
      });
    }
  }
  return problems;
}
