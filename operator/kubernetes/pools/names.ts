import { createHash } from 'node:crypto';
import { allKinds } from '../../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../../contracts/resource-key.ts';

/** A Service may have 63 characters; pods and ReplicaSets get theirs appended. */
const longestName = 60;
const hashLength = 8;

/** What the objects around the pods of a pool are called. */
export function poolObjectName(pool: string): string {
  return shortEnough(`headgate-pool-${pool}`);
}

export function metricsServiceName(pool: string): string {
  return shortEnough(`headgate-pool-${pool}-metrics`);
}

/**
 * What the Service of a resource is called, best first: the second when another resource has the
 * first (`fp-a-b-c` is `a-b/c` and `a/b-c`).
 */
export function serviceNames(key: ResourceKey): readonly [string, string] {
  // A name may contain dots, and that of a Service none.
  const plain = `${allKinds[key.kind].shortName}-${key.namespace}-${key.name}`.replaceAll('.', '-');
  return [shortEnough(plain, formatKey(key)), withHash(plain, formatKey(key))];
}

function shortEnough(name: string, identity = name): string {
  return name.length <= longestName ? name : withHash(name, identity);
}

function withHash(name: string, identity: string): string {
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, hashLength);
  return `${name.slice(0, longestName - hashLength - 1).replace(/-+$/, '')}-${hash}`;
}
