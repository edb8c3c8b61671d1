import { type KubernetesObject, objectId } from './objects.ts';
import type { Change } from './reflector.ts';

/** What is kept of one object. */
export type Kept<T> = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
};

/** Objects of one collection by namespace and name, and what changes in it. */
export type Cache<T> = {
  get(namespace: string, name: string): Kept<T> | null;
  entries(): Iterable<Kept<T>>;
  /** A whole listing: what it lacks is gone. */
  replace(objects: readonly KubernetesObject[]): void;
  put(object: KubernetesObject): void;
  remove(object: KubernetesObject): void;
};

export function createCache<T>(
  keep: (object: KubernetesObject) => T,
  tell: (change: Change<T>) => void,
): Cache<T> {
  let byId = new Map<string, Kept<T>>();

  function take(object: KubernetesObject): Kept<T> {
    const { namespace = '', name, uid = '', resourceVersion } = object.metadata;
    return { namespace, name, uid, resourceVersion, value: keep(object) };
  }

  /** Told after it is kept: who hears of it may look. */
  function tellPut(before: Kept<T> | undefined, kept: Kept<T>): void {
    const { namespace, name } = kept;
    if (before?.uid === kept.uid && before.resourceVersion === kept.resourceVersion) return;
    if (before !== undefined && before.uid !== kept.uid) {
      tell({ type: 'gone', namespace, name, kept: before });
    }
    tell({ type: 'put', namespace, name, kept });
  }

  return {
    get: (namespace, name) => byId.get(`${namespace}/${name}`) ?? null,
    entries: () => byId.values(),
    replace(objects) {
      const before = byId;
      // Of what has not changed there is nothing new to keep.
      const after = objects.map((object): [string, Kept<T>] => {
        const known = before.get(objectId(object));
        const { uid = '', resourceVersion } = object.metadata;
        const isSame = known?.uid === uid && known.resourceVersion === resourceVersion;
        return [objectId(object), isSame ? known : take(object)];
      });
      byId = new Map(after);
      for (const [id, kept] of before) {
        const { namespace, name } = kept;
        if (!byId.has(id)) tell({ type: 'gone', namespace, name, kept });
      }
      for (const [id, kept] of byId) tellPut(before.get(id), kept);
    },
    put(object) {
      const kept = take(object);
      const before = byId.get(objectId(object));
      byId.set(objectId(object), kept);
      tellPut(before, kept);
    },
    remove(object) {
      const id = objectId(object);
      const before = byId.get(id);
      if (before === undefined) return;
      byId.delete(id);
      tell({ type: 'gone', namespace: before.namespace, name: before.name, kept: before });
    },
  };
}
