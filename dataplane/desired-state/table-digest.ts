import { createHash } from 'node:crypto';

/** Tables do not change, and each is told of again and again. */
const known = new WeakMap<ReadonlyMap<string, number>, string>();

/** Digest over what a pod has in force: resource (`ForwardProxy/team-a/egress`) → sequence. */
export function tableDigest(table: ReadonlyMap<string, number>): string {
  const before = known.get(table);
  if (before !== undefined) return before;
  const digest = createHash('sha256');
  for (const [resource, sequence] of [...table].sort()) digest.update(`${resource} ${sequence}\n`);
  const hex = digest.digest('hex');
  known.set(table, hex);
  return hex;
}
