import { allKinds, type Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceType } from './resource-types.ts';

export const ourGroup = 'headgate.dev';
const ourVersion = 'v1alpha1';
/** Of all our kinds. */
export const apiVersion = `${ourGroup}/${ourVersion}`;

export function typeOfKind(kind: Kind): ResourceType {
  return { group: ourGroup, version: ourVersion, plural: allKinds[kind].plural };
}
