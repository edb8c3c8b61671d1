/** A listening socket that a resource wants. */
export type SocketClaim = {
  readonly address: string;
  readonly port: number;
  readonly uid: string;
  readonly listener: string;
  /** Who says the same may have the socket too; `null`: nobody may. */
  readonly sharing: string | null;
  /** Of those who share a socket the first in this order owns it. */
  readonly seniority: string;
};

/** A listening socket: who takes its connections, and who else answers what comes over them, the oldest first. */
export type SocketOwner = SocketClaim & { readonly others: readonly string[] };

/** `address port` → owner. A socket outlives its owner: two resources that swap ports swap owners. */
export type Sockets = ReadonlyMap<string, SocketOwner>;

export function socketKey({
  address,
  port,
}: {
  readonly address: string;
  readonly port: number;
}): string {
  return `${address} ${port}`;
}

/** Who has which socket. Of claims that exclude each other those are had that were had before. */
export function ownersOf(claims: Iterable<SocketClaim>, running: Sockets): Sockets {
  const claimed = new Map<string, SocketClaim[]>();
  for (const claim of claims) {
    const key = socketKey(claim);
    const known = claimed.get(key);
    if (known === undefined) claimed.set(key, [claim]);
    else known.push(claim);
  }
  const owners = new Map<string, SocketOwner>();
  for (const [key, all] of claimed) {
    const [first] = all;
    const kept = keptOf(all, running.get(key)) ?? first;
    if (kept !== undefined) owners.set(key, ownerAmong(all, kept));
  }
  return owners;
}

/** Who has a socket, the oldest first. */
export function sharersOf({ uid, others }: Pick<SocketOwner, 'uid' | 'others'>): readonly string[] {
  return [uid, ...others];
}

function ownerAmong(claims: readonly SocketClaim[], kept: SocketClaim): SocketOwner {
  if (kept.sharing === null || claims.length === 1) return { ...kept, others: [] };
  const [owner = kept, ...others] = claims
    .filter(({ sharing }) => sharing === kept.sharing)
    .toSorted((one, other) => (one.seniority < other.seniority ? -1 : 1));
  return { ...owner, others: others.map(({ uid }) => uid) };
}

/** Claims exclude each other when a refused version keeps what it had: those who want it as it is come first. */
function keptOf(
  claims: readonly SocketClaim[],
  before: SocketOwner | undefined,
): SocketClaim | undefined {
  if (before === undefined || claims.length === 1) return;
  const had = claims.filter(({ uid }) => sharersOf(before).includes(uid));
  return had.find(({ sharing }) => sharing === before.sharing) ?? had[0];
}

/** The smallest change from what listens to what should. */
export type Plan = {
  /** Nothing listens there yet, and nothing of ours is in the way. */
  readonly open: readonly SocketOwner[];
  /** The same port as one that has to close first (another address, or the wildcard). */
  readonly openAfterClose: readonly SocketOwner[];
  readonly close: readonly string[];
};

export function planSockets(running: Sockets, wanted: Sockets): Plan {
  const close = [...running.keys()].filter((key) => !wanted.has(key));
  const closing = close.map((key) => running.get(key)).filter((socket) => socket !== undefined);
  const opening = [...wanted].filter(([key]) => !running.has(key)).map(([, socket]) => socket);
  const inTheWay = (socket: SocketOwner) => closing.some((other) => overlap(socket, other));
  return {
    open: opening.filter((socket) => !inTheWay(socket)),
    openAfterClose: opening.filter(inTheWay),
    close,
  };
}

/** Whether both cannot be bound at once. */
function overlap(one: SocketOwner, other: SocketOwner): boolean {
  if (one.port !== other.port) return false;
  return one.address === other.address || isWildcard(one.address) || isWildcard(other.address);
}

function isWildcard(address: string): boolean {
  return address === '::' || address === '0.0.0.0';
}
