import type { JsonRecord } from '../../../contracts/json.ts';
import type { Log } from '../../../runtime/log.ts';
import type { KubernetesApi } from '../api.ts';
import type { Kept } from '../cache.ts';
import type { KubernetesObject } from '../objects.ts';
import { createReflector, type Reflector, type ReflectorTiming } from '../reflector.ts';
import { pathOf, type ResourceType, resourceTypes } from '../resource-types.ts';
import { type ManagedKind, managedKinds, ourSelector } from './manifest.ts';

export type MirroredObject = Kept<KubernetesObject>;

/** Our objects as they are in the cluster. */
export type ObjectMirror = {
  get(kind: ManagedKind, name: string): MirroredObject | null;
  all(kind: ManagedKind): readonly MirroredObject[];
  /** Once it could be listed. Until then what is missing may be there. */
  isKnown(kind: ManagedKind): boolean;
  readonly ended: Promise<void>;
};

type MirrorOptions = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly timing?: Partial<ReflectorTiming>;
  readonly onChange: (kind: ManagedKind, object: MirroredObject) => void;
  /** A kind can be listed again, or no longer. */
  readonly onState: (kind: ManagedKind) => void;
};

export const typeOf: Readonly<Record<ManagedKind, ResourceType>> = {
  Deployment: resourceTypes.deployments,
  Service: resourceTypes.services,
  PodDisruptionBudget: resourceTypes.podDisruptionBudgets,
  ServiceAccount: resourceTypes.serviceAccounts,
  Secret: resourceTypes.secrets,
};

export function createObjectMirror(options: MirrorOptions): ObjectMirror {
  const { api, namespace, signal, log, timing = {}, onChange, onState } = options;
  const known = new Set<ManagedKind>();
  const reflectors = Object.fromEntries(
    managedKinds.map((kind) => [kind, reflect(kind)]),
  ) as Record<ManagedKind, Reflector<KubernetesObject>>;

  function reflect(kind: ManagedKind): Reflector<KubernetesObject> {
    const reflector = createReflector({
      api,
      path: pathOf(typeOf[kind], { namespace }),
      labelSelector: ourSelector,
      keep: withoutBallast,
      signal,
      log,
      timing,
      onChange: ({ kept }) => onChange(kind, kept),
      onState: () => onState(kind),
    });
    void reflector.listed.then(
      () => {
        known.add(kind);
        onState(kind);
      },
      () => undefined,
    );
    return reflector;
  }

  return {
    get: (kind, name) => reflectors[kind].get(namespace, name),
    all: (kind) => [...reflectors[kind].entries()],
    isKnown: (kind) => known.has(kind),
    ended: Promise.all(managedKinds.map((kind) => reflectors[kind].ended)).then(() => undefined),
  };
}

/** There may be thousands, and the half of each is who wrote which field. */
function withoutBallast({ metadata, ...rest }: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...named } = metadata as JsonRecord;
  const { status: __, ...wished } = rest as JsonRecord;
  return { ...wished, metadata: named as KubernetesObject['metadata'] };
}
