import type { Sharing } from '../../contracts/kinds/mirror-route/sharing.ts';

/** A listener of a resource wants this port on this address, or holds it. */
export type PortClaim = {
  /** `ForwardProxy/team-a/egress` */
  readonly holder: string;
  readonly listener: string;
  /** IP literal; `::` also takes IPv4. */
  readonly address: string;
  readonly port: number;
  /** Who says the same of a port may have it too; `null`: nobody may. */
  readonly sharing: Sharing | null;
};

export type PortConflict = { readonly wanted: PortClaim; readonly held: PortClaim };

/**
 * The first claim that cannot be had, among one's own or against those of others, or `null`.
 * `incumbents` answers the claims in force on a port of the same pool: who holds a port keeps it, and
 * shares it with those who want the very same listener.
 */
export function findConflict(
  wanted: readonly PortClaim[],
  incumbents: (port: number) => readonly PortClaim[],
): PortConflict | null {
  for (const [index, claim] of wanted.entries()) {
    const others = [
      ...wanted.slice(0, index),
      ...incumbents(claim.port).filter(({ holder }) => holder !== claim.holder),
    ];
    const held = others.find((other) => !canShare(claim, other) && overlap(claim, other));
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

/** Whether both are one listener that several resources may have. */
export function canShare(one: PortClaim, other: PortClaim): boolean {
  const [mine, theirs] = [one.sharing, other.sharing];
  if (mine === null || theirs === null || one.address !== other.address) return false;
  const fields = Object.keys(mine);
  if (fields.length !== Object.keys(theirs).length) return false;
  return fields.every((field) => mine[field] === theirs[field]);
}

/** What would have to be equal for both to be one listener; `null`: they could not be. */
function findDifferences(one: PortClaim, other: PortClaim): readonly string[] | null {
  if (one.sharing === null || other.sharing === null) return null;
  const here = new Map(Object.entries({ address: one.address, ...one.sharing }));
  const there = new Map(Object.entries({ address: other.address, ...other.sharing }));
  const fields = new Set([...here.keys(), ...there.keys()]);
  return [...fields].flatMap((field) => {
    const [mine = 'none', theirs = 'none'] = [here.get(field), there.get(field)];
    return mine === theirs ? [] : [`${field} (${mine} here, ${theirs} there)`];
  });
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
  const differences = findDifferences(wanted, held);
  const share =
    differences === null
      ? ''
      : `to share it, give both listeners the same ${differences.join(' and ')}; or `;
  return `listener "${wanted.listener}" wants ${at(wanted)}, but listener "${held.listener}" of ${held.holder} has ${at(held)}: ${share}choose another port, address or pool, or remove the other`;
}

function at({ address, port }: PortClaim): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
