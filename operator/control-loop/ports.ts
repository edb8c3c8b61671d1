/** A listener of a resource wants this port on this address, or holds it. */
export type PortClaim = {
  /** `ForwardProxy/team-a/egress` */
  readonly holder: string;
  readonly listener: string;
  /** IP literal; `::` also takes IPv4. */
  readonly address: string;
  readonly port: number;
};

export type PortConflict = { readonly wanted: PortClaim; readonly held: PortClaim };

/**
 * The first claim that cannot be had, among one's own or against those of others, or `null`.
 * `incumbents` are the claims in force in the same pool: who holds a port keeps it.
 */
export function findConflict(
  wanted: readonly PortClaim[],
  incumbents: readonly PortClaim[],
): PortConflict | null {
  for (const [index, claim] of wanted.entries()) {
    const others = [
      ...wanted.slice(0, index),
      ...incumbents.filter(({ holder }) => holder !== claim.holder),
    ];
    const held = others.find((other) => overlap(claim, other));
    if (held !== undefined) return { wanted: claim, held };
  }
  return null;
}

/** Whether the system would refuse to listen on both. */
function overlap(one: PortClaim, other: PortClaim): boolean {
  if (one.port !== other.port) return false;
  const [a, b] = [canonicalAddress(one.address), canonicalAddress(other.address)];
  return a === b || covers(a, b) || covers(b, a);
}

function covers(wildcard: string, address: string): boolean {
  if (wildcard === '::') return true; // dual-stack: it takes the IPv4 port too
  return wildcard === '0.0.0.0' && !address.includes(':');
}

/** One spelling per address, so that `0::1` and `::1` are seen to be the same. */
function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address;
  return URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? address;
}

/** What a condition says: who holds what, and what to do about it. */
export function describeConflict({ wanted, held }: PortConflict): string {
  if (wanted.holder === held.holder) {
    return `listeners "${held.listener}" (${at(held)}) and "${wanted.listener}" (${at(wanted)}) overlap: give one of them another port or address`;
  }
  return `listener "${wanted.listener}" wants ${at(wanted)}, but listener "${held.listener}" of ${held.holder} has ${at(held)}: choose another port, address or pool, or remove the other`;
}

function at({ address, port }: PortClaim): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
