import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import {
  createSecureContext,
  type SecureContextOptions,
  TLSSocket,
  type TLSSocketOptions,
} from 'node:tls';
import type { Scope } from './teardowns.ts';

export type Origin = {
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly authority: string;
  /** `http://127.0.0.1:PORT` or `https://…` */
  readonly url: string;
  /** What it was asked, oldest first. */
  readonly requests: readonly SeenRequest[];
};

export type SeenRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
};

/**
 * An HTTP origin on loopback:
 *
 *     GET  /anything       `hello from the origin`
 *     ANY  /echo           what it was asked, as JSON, with the SHA-256 of the body
 *     GET  /bytes/N        N bytes
 *     GET  /status/CODE    that status
 *     ANY  /never          no answer
 *     ANY  /cut            half an answer, then a reset
 */
export async function startOrigin(
  t: Scope,
  options: {
    readonly tls?: { readonly key: string; readonly cert: string };
    readonly host?: string;
  } = {},
): Promise<Origin> {
  const requests: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, headers });
    answer(request, response);
  };
  const server = options.tls ? createSecureServer(options.tls, listener) : createServer(listener);
  const port = await listen(t, server, options.host);
  t.teardown(() => server.closeAllConnections());
  const authority = `${options.host ?? '127.0.0.1'}:${port}`;
  return { port, authority, url: `${options.tls ? 'https' : 'http'}://${authority}`, requests };
}

/** The side of a server in TLS. */
export type ServerTls = SecureContextOptions &
  Pick<TLSSocketOptions, 'ALPNProtocols' | 'requestCert'>;

/**
 * A TCP origin that hands each connection to `serve`; a side that has finished sending still receives.
 * With `tls` it is handed over inside of it; `sockets` are those outside.
 */
export async function startTcpOrigin(
  t: Scope,
  serve: (socket: Socket) => void,
  tls: ServerTls | null = null,
): Promise<{
  readonly port: number;
  readonly authority: string;
  readonly sockets: ReadonlySet<Socket>;
}> {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    serve(tls === null ? socket : secured(socket, tls));
  });
  const port = await listen(t, server);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { port, authority: `127.0.0.1:${port}`, sockets };
}

function secured(
  socket: Socket,
  { ALPNProtocols, requestCert = false, ...terms }: ServerTls,
): TLSSocket {
  const secure = new TLSSocket(socket, {
    isServer: true,
    requestCert,
    rejectUnauthorized: requestCert,
    secureContext: createSecureContext(terms),
    ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }),
  });
  secure.on('error', () => undefined);
  return secure;
}

/** Sends back what it gets, and its end after the client's. */
export function echo(socket: Socket): void {
  socket.on('data', (chunk) => {
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on('drain', () => socket.resume());
  socket.on('end', () => socket.end());
}

async function listen(t: Scope, server: Server | TcpServer, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  t.teardown(() => server.close());
  const address = server.address() as AddressInfo | null;
  if (address === null) throw new Error('the origin does not listen');
  return address.port;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, route = '', argument = ''] = (request.url ?? '').split(/[/?]/);
  switch (route) {
    case 'echo':
      answerEcho(request, response);
      return;
    case 'bytes':
      answerBytes(response, Number(argument));
      return;
    case 'status':
      response.writeHead(Number(argument)).end();
      return;
    case 'never':
      request.resume();
      return;
    case 'cut':
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => request.socket.resetAndDestroy());
      return;
    default:
      request.resume();
      response.writeHead(200, { 'content-type': 'text/plain' }).end('hello from the origin\n');
  }
}

function answerEcho(request: IncomingMessage, response: ServerResponse): void {
  const digest = createHash('sha256');
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    digest.update(chunk);
    length += chunk.length;
  });
  request.on('end', () => {
    const { method, url, headers, rawHeaders } = request;
    const body = { length, sha256: digest.digest('hex') };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ method, url, headers, rawHeaders, body }));
  });
}

function answerBytes(response: ServerResponse, count: number): void {
  response.writeHead(200, { 'content-length': String(count) });
  const chunk = Buffer.alloc(64 * 1024, 'headgate ');
  let left = count;
  const send = () => {
    while (left > 0) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      if (!response.write(part)) {
        response.once('drain', send);
        return;
      }
    }
    response.end();
  };
  send();
}
