import { clusterLabels, clusterNames } from '../../../contracts/cluster-names.ts';
import { isRecord } from '../../../contracts/json.ts';
import type { Log } from '../../../runtime/log.ts';
import { ApiError, isConflict, isNotFound, type KubernetesApi } from '../api.ts';
import type { KubernetesObject } from '../objects.ts';
import { pathOf } from '../resource-types.ts';
import { isAsWished } from './drift.ts';
import { type ManagedKind, type Manifest, wishAnnotation } from './manifest.ts';
import { type MirroredObject, type ObjectMirror, typeOf } from './object-mirror.ts';
import { handOverReplicas, isManagedBy } from './replicas.ts';

/** `corrected`: what we wish for had not changed, but the object had. */
export type ObjectOutcome = 'applied' | 'corrected' | 'deleted' | 'failed';

/** Makes our objects what they should be, with no request where they are. */
export type ObjectWriter = {
  ensure(manifest: Manifest): Promise<void>;
  remove(kind: ManagedKind, object: MirroredObject): Promise<void>;
};

type WriterOptions = {
  readonly api: KubernetesApi;
  readonly mirror: ObjectMirror;
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly mayWrite: () => boolean;
  readonly onWrite: (kind: ManagedKind, outcome: ObjectOutcome) => void;
};

/** What was wished for when this process wrote an object last, and what it was then. */
type Written = { readonly wish: string; readonly resourceVersion: string };

/** Nothing is wrong, but it cannot be done now. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
}

/** An object of the name is there, and somebody else made it. */
export class NotOurs extends Error {
  override readonly name = 'NotOurs';
}

export function createObjectWriter(options: WriterOptions): ObjectWriter {
  const { api, mirror, namespace, signal, log, mayWrite, onWrite } = options;
  const inTime = { signal, mayStart: mayWrite };
  const { fieldManager } = clusterNames;
  const written = new Map<string, Written>();

  const pathTo = (kind: ManagedKind, name: string) => pathOf(typeOf[kind], { namespace, name });

  async function counted<T>(kind: ManagedKind, write: () => Promise<T>): Promise<T> {
    if (!mayWrite()) throw new NotNow('another operator may lead by now');
    try {
      return await write();
    } catch (error) {
      if (!signal.aborted) onWrite(kind, 'failed');
      throw error;
    }
  }

  /** Server-side apply would take it over without a word. */
  async function refuseForeign(kind: ManagedKind, name: string): Promise<void> {
    try {
      const there = await api.get(pathTo(kind, name), signal);
      const isOurs =
        isManagedBy(there, fieldManager) ||
        there.metadata.labels?.[clusterLabels.managedBy] === fieldManager;
      if (isOurs) return;
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    throw new NotOurs(`${kind} ${namespace}/${name} is there already, and not Headgate's`);
  }

  /**
   * By itself, apply leaves alone what others have added to a list, also where only one of the two
   * can be: the port that somebody has changed by hand.
   */
  async function apply(manifest: Manifest): Promise<KubernetesObject> {
    const path = pathTo(manifest.kind, manifest.metadata.name);
    const options = { fieldManager, ...inTime };
    const once = () => api.apply(path, manifest, { ...options, force: true });
    const replaceLists = () => api.mergePatch(path, { spec: manifest['spec'] }, options);
    try {
      const after = await once();
      if (manifest.kind !== 'Service' || isAsManifested(after, manifest)) return after;
    } catch (error) {
      const isInvalid = error instanceof ApiError && error.status === 422;
      if (!isInvalid || !isRecord(manifest['spec'])) throw error;
      const isThere = mirror.get(manifest.kind, manifest.metadata.name) !== null;
      if (!isThere) throw error;
    }
    await replaceLists();
    return once();
  }

  async function ensure(manifest: Manifest): Promise<void> {
    const { kind } = manifest;
    const { name } = manifest.metadata;
    if (!mirror.isKnown(kind)) throw new NotNow(`${kind}s cannot be listed yet`);
    const live = mirror.get(kind, name);
    if (live !== null && isAsManifested(live.value, manifest)) return;

    const after = await counted(kind, async () => {
      if (live === null) await refuseForeign(kind, name);
      else if (kind === 'Deployment')
        await handOverReplicas(api, pathTo(kind, name), manifest, inTime);
      return apply(manifest);
    });
    const id = `${kind}/${name}`;
    const last = written.get(id);
    const { resourceVersion } = after.metadata;
    const wish = wishOf(manifest);
    written.set(id, { wish, resourceVersion });
    // Nothing has come of it: what we know of the object was old, or somebody changes what we write.
    if ([live?.resourceVersion, last?.resourceVersion].includes(resourceVersion)) return;
    const before = last?.wish ?? (live === null ? null : wishOf(live.value));
    const outcome = before === wish ? 'corrected' : 'applied';
    onWrite(kind, outcome);
    log.info('object written', { object: id, namespace, outcome });
  }

  async function remove(kind: ManagedKind, { name, uid }: MirroredObject): Promise<void> {
    await counted(kind, () =>
      api
        .delete(pathTo(kind, name), {
          ...{ uid, propagationPolicy: 'Background', ...inTime },
        })
        .catch(unlessGone),
    );
    written.delete(`${kind}/${name}`);
    onWrite(kind, 'deleted');
    log.info('object removed', { object: `${kind}/${name}`, namespace });
  }

  return { ensure, remove };
}

/** Objects of a list do not say what they are. */
function isAsManifested(live: KubernetesObject, manifest: Manifest): boolean {
  const { apiVersion: _, kind: __, ...wished } = manifest;
  return isAsWished(live, wished);
}

function wishOf({ metadata }: Manifest | KubernetesObject): string {
  return metadata.annotations?.[wishAnnotation] ?? '';
}

/** Another object of the name is looked at by itself, when it is seen. */
function unlessGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}
