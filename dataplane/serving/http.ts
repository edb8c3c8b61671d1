import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Expectation } from './client-message.ts';
import type { ClientServing } from './client-serving.ts';
import type { Connection } from './connection.ts';
import { Http1Answer } from './http1-answer.ts';
import { Http1Request } from './http1-request.ts';
import { settle } from './keep-connection.ts';
import { refuseRaw, reportRefusal } from './refuse.ts';
import { wantsUpgrade } from './upgrade.ts';

/** Node's parser stops here; the limits of the resource, which may change, are checked by us. */
const parserHeaderBytes = 72 * 1024;

/** So many pipelined requests may wait for the one before them; a client with more is not served. */
const maxWaiting = 1024;

/** Connections are handed to this server; it never listens, and its own time-outs are ours (the sweep). */
export function createHttpServer(serving: ClientServing): Server {
  const server = createServer({
    IncomingMessage: Http1Request,
    maxHeaderSize: parserHeaderBytes,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 0,
    noDelay: true,
    requireHostHeader: false, // Node's own 400 says nothing; ours does
    shouldUpgradeCallback: wantsUpgrade,
  });
  // A client that has finished sending still gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.maxHeadersCount = 0; // Node would drop fields silently; ours are counted and refused
  server.on('request', (request, response) => begin(serving, request, response, 'none'));
  server.on('checkContinue', (request, response) => begin(serving, request, response, 'continue'));
  server.on('checkExpectation', (request, response) =>
    begin(serving, request, response, 'unknown'),
  );
  server.on('connect', (request, socket: Duplex, early: Buffer) => {
    const connection = connectionOf(serving, socket);
    if (connection === null) return;
    leaveInTurn(connection, () => serving.connect(connection, request, early));
  });
  server.on('upgrade', (request, socket: Duplex, early: Buffer) => {
    const connection = connectionOf(serving, socket);
    if (connection === null) return;
    leaveInTurn(connection, () => serving.upgrade(connection, request, early));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    answerParseError(serving, error, socket);
  });
  return server;
}

function connectionOf(serving: ClientServing, socket: Duplex): Connection | null {
  const connection = isSocket(socket) ? serving.connections.get(socket) : undefined;
  if (connection !== undefined) return connection;
  socket.destroy(); // it lost its place while this was on its way
  return null;
}

function isSocket(socket: Duplex): socket is Socket {
  return 'remoteAddress' in socket;
}

function begin(
  serving: ClientServing,
  request: Http1Request,
  response: ServerResponse,
  expect: Expectation,
): void {
  const connection = connectionOf(serving, request.socket);
  // What follows a refusal that ends the connection is not a request, whatever it looks like.
  if (connection === null || connection.state === 'closing') return;
  if (connection.turns.length >= maxWaiting) return cutPipeline(serving, connection);
  serving.idle.delete(connection);
  connection.become('active');
  const exchange = serving.exchange({
    connection,
    request,
    answer: new Http1Answer(connection, response),
    expect,
  });
  connection.newest = exchange;
  response.once('close', () => {
    if (connection.newest === exchange) connection.newest = null; // or it keeps all of it alive
    if (connection.current === exchange) connection.current = null;
    if (connection.state !== 'active' || connection.socket.destroyed) return;
    if (!connection.turns.next()) settle(serving, connection);
  });
  connection.turns.take(() => {
    if (!connection.turns.waiting) connection.socket.resume();
    connection.current = exchange;
    exchange.start();
  });
  if (connection.turns.waiting) connection.socket.pause();
}

/** Node reads on after every message, paused or not: a client that never stops has to be stopped. */
function cutPipeline(serving: ClientServing, connection: Connection): void {
  if (connection.socket.destroyed) return; // the rest of what was read
  connection.reset();
  const { sinceMs: startedMs } = connection;
  const code = 'connection_limit_reached';
  reportRefusal(serving, { type: 'plain', connection, code, startedMs, rule: 'limit' });
}

/** CONNECT and upgrades leave Node's HTTP, but not before the answers due before them. */
function leaveInTurn(connection: Connection, serve: () => void): void {
  const { socket } = connection;
  const drained = () => {
    // Node does not tell them any more.
    connection.current?.drained();
  };
  socket.on('drain', drained);
  const waited = connection.turns.busy;
  connection.turns.take(() => {
    socket.removeListener('drain', drained);
    // `begin` may have stopped the reading below the stream, which thinks a read is under way:
    // an empty chunk ends that one, and the next begins.
    if (waited) socket.push('');
    serve();
  });
}

const otherVersion: readonly [ErrorCode, string] = [
  'version_unsupported',
  'only HTTP/1.1 and HTTP/1.0 are spoken here',
];

const parseErrors: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  ['HPE_HEADER_OVERFLOW', ['request_headers_too_large', 'the header section is too large']],
  [
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
    ['request_headers_too_large', 'the chunk extensions are too large'],
  ],
  ['HPE_INVALID_METHOD', ['method_not_implemented', 'this method is not known here']],
  ['HPE_PAUSED_H2_UPGRADE', otherVersion],
]);

function explain(error: NodeJS.ErrnoException): readonly [ErrorCode, string] {
  // Of its two meanings: a version that is well written, and another one than ours.
  if (Reflect.get(error, 'reason') === 'Invalid HTTP version') return otherVersion;
  const known = parseErrors.get(error.code ?? '');
  return known ?? ['http_request_error', 'this is not HTTP as RFC 9112 writes it'];
}

/** What the parser refuses never becomes a request: answered here, after the answers that are due. */
function answerParseError(
  serving: ClientServing,
  error: NodeJS.ErrnoException,
  socket: Duplex,
): void {
  const connection = connectionOf(serving, socket);
  if (connection === null || !socket.writable || connection.state === 'closing') return;
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return void socket.destroy();
  // Bytes after a request that said it is the last one (RFC 9112 §9.6).
  if (error.code === 'HPE_CLOSED_CONNECTION') return;
  const [code, message] = explain(error);
  if (connection.newest?.bodyBroken(code, message) === true) return;
  connection.turns.takeLast(() => {
    refuseRaw(serving, connection, code, message, 'close');
    reportRefusal(serving, {
      type: 'plain',
      connection,
      code,
      startedMs: connection.sinceMs,
      rule: 'invalid',
    });
  });
}
