import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/**
 * Looks at the heads of an origin's answers before undici does.
 *
 * - Takes `100 Continue` out: we strip `Expect`, so nobody asked; but some servers say it for every
 *   body, and undici ends the connection over it.
 * - Remembers the version of the answer, which undici does not tell.
 */
export function watchAnswerHeads(socket: Socket): void {
  const read = socket.read.bind(socket);
  let held: Buffer = Buffer.alloc(0);
  let itsVersion = '1.1';
  socket.read = (size?: number) => {
    const chunk: Buffer | null = read(size);
    version = itsVersion;
    if (chunk === null || !awaitingHead.has(socket)) return chunk;
    const scan = scanHeads(held.length === 0 ? chunk : Buffer.concat([held, chunk]));
    held = scan.held;
    if (scan.version !== null) {
      awaitingHead.delete(socket);
      itsVersion = scan.version;
      version = itsVersion;
    }
    return scan.passed.length === 0 ? null : scan.passed;
  };
}

/** Of the socket that was read last: undici parses what it reads before anybody else reads. */
let version = '1.1';

/** While undici reports the start of an answer: `1.1`, `1.0`, or whatever else the origin claims. */
export function answerVersion(): string {
  return version;
}

/** Sockets whose next bytes are the head of an answer. */
const awaitingHead = new WeakSet<object>();

subscribe('undici:client:sendHeaders', (message) => {
  const socket: unknown =
    typeof message === 'object' && message !== null ? Reflect.get(message, 'socket') : null;
  if (typeof socket === 'object' && socket !== null) awaitingHead.add(socket);
});

type Scan = {
  /** For undici, now. */
  readonly passed: Buffer;
  /** Too little to tell; comes again with what follows. */
  readonly held: Buffer;
  /** Of the final answer, once its status line has begun. */
  readonly version: string | null;
};

const statusLine = /^HTTP\/(\d\.\d) (\d{3})(?!\d)/;
const statusLineBytes = 'HTTP/1.1 100 '.length;
/** A longer interim head is left to the parser's own limit. */
const maxHeldBytes = 16 * 1024;
const nothing: Buffer = Buffer.alloc(0);

function scanHeads(bytes: Buffer): Scan {
  const passed: Buffer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const start = rest.subarray(0, statusLineBytes).toString('latin1');
    const short = start.length < statusLineBytes && 'HTTP/'.startsWith(start.slice(0, 5));
    const [, found = '1.1', status = ''] = statusLine.exec(start) ?? [];
    const end = rest.indexOf('\r\n\r\n');
    const interim = status.startsWith('1') && status !== '101';
    if (short || (interim && end < 0 && rest.length <= maxHeldBytes)) {
      return { passed: Buffer.concat(passed), held: rest, version: null };
    }
    if (!interim || end < 0) {
      passed.push(rest);
      return { passed: Buffer.concat(passed), held: nothing, version: found };
    }
    if (status !== '100') passed.push(rest.subarray(0, end + 4));
    rest = rest.subarray(end + 4);
  }
  return { passed: Buffer.concat(passed), held: nothing, version: null };
}
