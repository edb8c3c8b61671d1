/** A listening socket: who takes its connections. */
export type SocketOwner = {
  readonly address: string;
  readonly port: number;
  readonly uid: string;
  readonly listener: string;
};

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
