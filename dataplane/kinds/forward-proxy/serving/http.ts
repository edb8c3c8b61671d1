import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { serveConnect } from './connect.ts';
import type { Connection } from './connection.ts';
import { Exchange } from './exchange.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { settle } from './keep-connection.ts';
import { refuseRaw, reportRefusal } from './refuse.ts';
import { serveUpgrade, wantsUpgrade } from './upgrade.ts';

/** Node's parser stops here; the limits of the resource, which may change, are checked by us. */
const parserHeaderBytes = 72 * 1024;

/** Connections are handed to this server; it never listens, and its own time-outs are ours (the sweep). */
export function createHttpServer(proxy: ForwardProxyServing): Server {
  const server = createServer({
    maxHeaderSize: parserHeaderBytes,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 0,
    noDelay: true,
    shouldUpgradeCallback: wantsUpgrade,
  });
  // A client that has finished sending still gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.maxHeadersCount = 0; // Node would drop fields silently; ours are counted and refused
  server.on('request', (request, response) => begin(proxy, request, response, 'none'));
  server.on('checkContinue', (request, response) => begin(proxy, request, response, 'continue'));
  server.on('checkExpectation', (request, response) => begin(proxy, request, response, 'unknown'));
  server.on('connect', (request, socket: Duplex, early: Buffer) => {
    const connection = connectionOf(proxy, socket);
    if (connection !== null) serveConnect(proxy, connection, request, early);
  });
  server.on('upgrade', (request, socket: Duplex, early: Buffer) => {
    const connection = connectionOf(proxy, socket);
    if (connection !== null) serveUpgrade(proxy, connection, request, early);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    answerParseError(proxy, error, socket);
  });
  return server;
}

function connectionOf(proxy: ForwardProxyServing, socket: Duplex): Connection | null {
  const connection = isSocket(socket) ? proxy.connections.get(socket) : undefined;
  if (connection !== undefined) return connection;
  socket.destroy(); // it lost its place while this was on its way
  return null;
}

function isSocket(socket: Duplex): socket is Socket {
  return 'remoteAddress' in socket;
}

function begin(
  proxy: ForwardProxyServing,
  request: IncomingMessage,
  response: ServerResponse,
  expect: 'none' | 'continue' | 'unknown',
): void {
  const connection = connectionOf(proxy, request.socket);
  if (connection === null) return;
  proxy.idle.delete(connection);
  connection.pending++;
  connection.become('active');
  response.once('close', () => {
    connection.pending--;
    if (connection.state === 'active' && connection.pending === 0) settle(proxy, connection);
  });
  new Exchange(proxy, connection, request, response, expect).start();
}

const parseErrors: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  ['HPE_HEADER_OVERFLOW', ['request_headers_too_large', 'the header section is too large']],
  [
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
    ['request_headers_too_large', 'the chunk extensions are too large'],
  ],
  ['HPE_INVALID_METHOD', ['method_not_implemented', 'this method is not known here']],
  ['HPE_INVALID_VERSION', ['version_unsupported', 'only HTTP/1.1 and HTTP/1.0 are spoken here']],
  ['HPE_PAUSED_H2_UPGRADE', ['version_unsupported', 'only HTTP/1.1 and HTTP/1.0 are spoken here']],
] as const);

/** What the parser refuses never becomes a request: answered here, unless an answer is still due. */
function answerParseError(
  proxy: ForwardProxyServing,
  error: NodeJS.ErrnoException,
  socket: Duplex,
): void {
  const connection = connectionOf(proxy, socket);
  if (connection === null || !socket.writable || connection.state === 'closing') return;
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return void socket.destroy();
  if (connection.pending > 0) {
    // An answer is on its way (or being made): it goes out whole, then the connection ends.
    for (const exchange of proxy.exchanges) exchange.badBytesFollow(connection);
    return;
  }
  const [code, message] = parseErrors.get(error.code ?? '') ?? [
    'http_request_error',
    'this is not HTTP as RFC 9112 writes it',
  ];
  refuseRaw(proxy, connection, code, message, 'close');
  reportRefusal(proxy, {
    type: 'plain',
    connection,
    code,
    startedMs: connection.sinceMs,
    rule: 'invalid',
  });
}
