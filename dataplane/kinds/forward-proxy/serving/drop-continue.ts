import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/**
 * Takes `100 Continue` out of what an origin sends before its answer. We strip `Expect`, so nobody
 * asked; but some servers say it for every body, and undici ends the connection over it.
 */
export function dropContinue(socket: Socket): void {
  const read = socket.read.bind(socket);
  let held: Buffer = Buffer.alloc(0);
  socket.read = (size?: number) => {
    const chunk: Buffer | null = read(size);
    if (chunk === null || !awaitingHead.has(socket)) return chunk;
    const { rest, complete } = afterContinue(
      held.length === 0 ? chunk : Buffer.concat([held, chunk]),
    );
    held = complete ? Buffer.alloc(0) : rest;
    if (!complete || rest.length === 0) return null;
    awaitingHead.delete(socket);
    return rest;
  };
}

/** Sockets whose next bytes are the head of an answer. */
const awaitingHead = new WeakSet<object>();

subscribe('undici:client:sendHeaders', (message) => {
  const socket: unknown =
    typeof message === 'object' && message !== null ? Reflect.get(message, 'socket') : null;
  if (typeof socket === 'object' && socket !== null) awaitingHead.add(socket);
});

const interim = 'HTTP/1.1 100';
/** A longer interim head is left to the parser's own limit. */
const maxHeldBytes = 16 * 1024;

/** What follows any number of interim heads; not `complete` while it cannot be told. */
function afterContinue(bytes: Buffer): { readonly rest: Buffer; readonly complete: boolean } {
  let rest = bytes;
  while (rest.length > 0) {
    const start = rest.subarray(0, interim.length).toString('latin1');
    if (start !== interim) return { rest, complete: !interim.startsWith(start) };
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return { rest, complete: rest.length > maxHeldBytes };
    rest = rest.subarray(end + 4);
  }
  return { rest, complete: true };
}
