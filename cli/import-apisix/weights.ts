import type { WrittenBackend, WrittenTarget } from './written.ts';

export type WeightedTarget = { readonly target: WrittenTarget; readonly weight: number };

/** Who share what falls to their group. */
export type WeightedGroup = { readonly weight: number; readonly nodes: readonly WeightedTarget[] };

/** The largest weight of a MirrorRoute. */
const heaviest = 1_000_000n;

/**
 * Groups as one list in which each gets the share it had: that of its group, and of that its own. In lowest terms; no weights where all are equal. `null`: they would be too large.
 */
export function shareOut(groups: readonly WeightedGroup[]): readonly WrittenBackend[] | null {
  const totals = groups.map(({ nodes }) => nodes.reduce((sum, { weight }) => sum + weight, 0));
  const common = totals.filter((total) => total > 0).reduce(leastCommonMultiple, 1n);
  const shares = groups.flatMap(({ weight, nodes }, index) =>
    nodes.map((node) => ({
      target: node.target,
      share: BigInt(weight) * BigInt(node.weight) * (common / BigInt(totals[index] || 1)),
    })),
  );

  const divisor = shares.reduce((sofar, { share }) => gcd(sofar, share), 0n) || 1n;
  const weights = shares.map(({ share }) => share / divisor);
  if (weights.some((weight) => weight > heaviest)) return null;
  const areEqual = weights.every((weight) => weight === 1n);
  return shares.map(({ target }, index) =>
    areEqual ? target : { ...target, weight: Number(weights[index]) },
  );
}

function leastCommonMultiple(one: bigint, other: number): bigint {
  const total = BigInt(other);
  return (one / gcd(one, total)) * total;
}

function gcd(one: bigint, other: bigint): bigint {
  return other === 0n ? one : gcd(other, one % other);
}
