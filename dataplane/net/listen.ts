import { closeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { duplicateDescriptor } from './descriptor.ts';

/**
 * A bound socket the main thread holds and never accepts from. Each serving thread gets a
 * descriptor of its own onto it: nothing is reset or stalled when one of them goes (unlike
 * SO_REUSEPORT), and a port somebody else has is refused here, once.
 */
export type BoundSocket = {
  /** As bound: `::` may have become `0.0.0.0` where there is no IPv6. */
  readonly address: string;
  readonly port: number;
  /** A new descriptor for a serving thread to listen on. */
  duplicate(): number;
  close(): void;
};

/** Binds exclusively. Throws Node's error (`EADDRINUSE`, `EACCES`, …). */
export async function bind(address: string, port: number): Promise<BoundSocket> {
  try {
    return await bindExactly(address, port);
  } catch (error) {
    const noIpv6 = isErrno(error, 'EAFNOSUPPORT') || isErrno(error, 'EADDRNOTAVAIL');
    if (address === '::' && noIpv6) return bindExactly('0.0.0.0', port);
    throw error;
  }
}

async function bindExactly(address: string, port: number): Promise<BoundSocket> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: address, port, exclusive: true, backlog: 511 }, resolve);
  await promise;
  // We are here before the event loop polls: the server is closed again before it can accept.
  try {
    const held = duplicateDescriptor(descriptorOf(server));
    const bound = server.address();
    return {
      address,
      port: typeof bound === 'object' && bound !== null ? bound.port : port,
      duplicate: () => duplicateDescriptor(held),
      close: () => closeSync(held),
    };
  } finally {
    server.close();
  }
}

/** Node has no public way to ask a server for its descriptor. */
function descriptorOf(server: Server): number {
  const handle: unknown = Reflect.get(server, '_handle');
  const fd: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null;
  if (typeof fd !== 'number' || fd < 0)
    throw new Error('this Node shows no descriptor of a server');
  return fd;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
