import type { Found } from './found.ts';
import { createGathered, type Gathered } from './gathered.ts';
import type { Reader } from './reader.ts';
import { sortKubernetesObject } from './sort-kubernetes-object.ts';
import { sortPlainObject } from './sort-plain-object.ts';

/** Sorts objects by what they are; what is none of them is told, or refused where it may matter. */
export function sortObjects(
  read: Reader,
  objects: readonly Found[],
  defaultNamespace: string,
): Gathered {
  const gathered = createGathered();
  for (const object of objects) {
    const apiVersion = object.at('apiVersion').value;
    const kind = object.at('kind').value;
    if (typeof apiVersion === 'string' && typeof kind === 'string') {
      sortKubernetesObject(read, gathered, object, { apiVersion, kind, defaultNamespace });
    } else {
      sortPlainObject(read, gathered, object);
    }
  }
  return gathered;
}
