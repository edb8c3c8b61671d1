import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Scope } from './teardowns.ts';

/** An answer over HTTP/2. */
export type Http2Reply = {
  readonly status: number;
  readonly fields: IncomingHttpHeaders;
  readonly body: string;
};

/** One connection of Node's HTTP/2 client, closed with the scope. */
export async function connectHttp2(
  t: Pick<Scope, 'teardown'>,
  port: number,
  ca: string,
): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, {
    ca,
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  session.on('error', () => undefined); // what waits for it sees the close
  t.teardown(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

/** Sends one request; rejects when its stream ends without an answer. */
export async function askHttp2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  body: string | Buffer = '',
): Promise<Http2Reply> {
  const stream = openHttp2(session, headers, body === '');
  if (body !== '') stream.end(body);
  return await replyOf(stream);
}

export function openHttp2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  endStream = false,
): ClientHttp2Stream {
  const stream = session.request({ ':authority': 'shop.example', ...headers }, { endStream });
  stream.on('error', () => undefined); // its close tells
  return stream;
}

export async function replyOf(stream: ClientHttp2Stream): Promise<Http2Reply> {
  let fields: IncomingHttpHeaders = {};
  let body = '';
  stream.once('response', (received) => {
    fields = received;
  });
  stream.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  await new Promise<void>((resolve) => {
    stream.once('close', resolve);
    stream.resume();
  });
  const status = Number(fields[':status']);
  if (Number.isNaN(status) || stream.rstCode !== 0) {
    throw new Error(`stream ended with code ${stream.rstCode}, status ${status}`);
  }
  return { status, fields, body };
}

/** Frames of HTTP/2, byte by byte, for clients that do what no library does (RFC 9113 §4.1). */
export const frame = {
  /** The connection preface and empty SETTINGS. */
  preface: Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), bytes(4, 0, 0)]),
  /** GET / for shop.example; `flags`: END_STREAM 1, END_HEADERS 4. */
  headers: (stream: number, flags = 5) => bytes(1, flags, stream, requestBlock),
  /** 200; `length`: a digit of Content-Length. */
  answer: (stream: number, length = '') =>
    bytes(1, 4, stream, Buffer.from(length === '' ? '\x88' : `\x88\x5c\x01${length}`, 'latin1')),
  /** The end of a message, with one trailer. */
  trailers: (stream: number, name: string, value: string) => {
    const literal = (text: string) => [Buffer.from([text.length]), Buffer.from(text, 'latin1')];
    const field = [Buffer.from([0x40]), ...literal(name), ...literal(value)];
    return bytes(1, 5, stream, Buffer.concat(field));
  },
  data: (stream: number, text: string, isEnd = false) =>
    bytes(0, isEnd ? 1 : 0, stream, Buffer.from(text)),
  continuation: (stream: number, block: Uint8Array, flags = 0) => bytes(9, flags, stream, block),
  /** `code`: 8 is CANCEL, 0 no error. */
  reset: (stream: number, code = 8) => bytes(3, 0, stream, Buffer.from([0, 0, 0, code])),
  settings: bytes(4, 0, 0),
  ping: bytes(6, 0, 0, Buffer.alloc(8)),
};

/** :method GET, :scheme https and :path / of the static table, :authority as a literal (RFC 7541). */
const requestBlock = Buffer.concat([
  Buffer.from([0x82, 0x87, 0x84, 0x41, 'shop.example'.length]),
  Buffer.from('shop.example'),
]);

function bytes(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A frame that came. */
export type SeenFrame = { readonly type: number; readonly stream: number; readonly code: number };

export const frameTypes = { data: 0, headers: 1, reset: 3, goAway: 7 } as const;

/** A connection over TLS on which HTTP/2 was agreed, and what comes on it. */
export type FramePeer = {
  readonly socket: TLSSocket;
  /** All of the frames so far. */
  readonly seen: readonly SeenFrame[];
  /** The first that matches; rejects if the connection closes without it. */
  frame(matches: (frame: SeenFrame) => boolean): Promise<SeenFrame>;
  readonly closed: Promise<void>;
  /** Resolves when the other side may take more, or the connection is closed. */
  send(bytes: Buffer): Promise<void>;
};

export async function connectFrames(
  t: Pick<Scope, 'teardown'>,
  port: number,
  ca: string,
): Promise<FramePeer> {
  const socket = connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: ['h2'] });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  const seen: SeenFrame[] = [];
  const lookers = new Set<() => void>();
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      for (const look of lookers) look();
      resolve();
    });
  });
  let unread = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
      const length = unread.readUIntBE(0, 3);
      seen.push(seenFrame(unread, length));
      unread = unread.subarray(9 + length);
    }
    for (const look of lookers) look();
  });
  socket.write(frame.preface);
  return {
    socket,
    seen,
    closed,
    async send(bytes) {
      if (socket.destroyed || socket.write(bytes)) return;
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    },
    frame: (matches) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = seen.find(matches);
          if (found === undefined && !socket.destroyed) return;
          lookers.delete(look);
          if (found === undefined) reject(new Error(`closed after ${JSON.stringify(seen)}`));
          else resolve(found);
        };
        lookers.add(look);
        look();
      }),
  };
}

/** RST_STREAM and GOAWAY carry an error code. */
function seenFrame(bytes: Buffer, length: number): SeenFrame {
  const type = bytes.readUInt8(3);
  const at = type === frameTypes.goAway ? 13 : 9;
  const hasCode = type === frameTypes.goAway || type === frameTypes.reset;
  const code = hasCode && length >= 4 ? bytes.readUInt32BE(at) : 0;
  return { type, stream: bytes.readUInt32BE(5), code };
}
