import type { ClientServing } from './client-serving.ts';
import type { Connection } from './connection.ts';
import { serveHttp2 } from './http2.ts';
import { isHttpStart, serveHttp } from './keep-connection.ts';
import { refuseRaw, reportRefusal } from './refuse.ts';
import type { TlsListener } from './tls-listener.ts';

/** The first byte of TLS: a handshake record (RFC 8446 §5.1). */
const tlsRecord = 0x16;

/** The first byte says what the client speaks; the sweep ends who says nothing. */
export function awaitFirstBytes(serving: ClientServing, connection: Connection): void {
  const { socket, listener } = connection;
  const leave = () => {
    socket.removeListener('data', onData);
    socket.removeListener('end', onEnd);
  };
  const onEnd = () => {
    leave();
    serving.meters.protocolSeen(listener, 'unknown');
    socket.destroy();
  };
  const onData = (chunk: Buffer) => {
    leave();
    socket.pause();
    const tls = serving.terms.listeners.get(listener)?.tls ?? null;
    if (tls === null) serving.greet(connection, chunk);
    else if (chunk[0] === tlsRecord) secure(serving, connection, chunk, tls);
    else refusePlain(serving, connection, chunk);
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
}

/** Agrees on TLS, and with it on the HTTP that is spoken over it. */
function secure(
  serving: ClientServing,
  connection: Connection,
  first: Buffer,
  tls: TlsListener,
): void {
  const { socket, listener } = connection;
  const failed = () => serving.meters.protocolSeen(listener, 'tls_failed');
  connection.become('securing');
  socket.once('close', failed);
  socket.unshift(first);
  tls.secure(socket, (secured) => {
    socket.removeListener('close', failed);
    // An error of TLS does not end its socket: nothing that comes after it can be trusted.
    secured.on('error', () => secured.destroy());
    serving.connections.delete(socket);
    serving.connections.set(secured, connection);
    connection.socket = secured;
    const isHttp2 = secured.alpnProtocol === 'h2';
    serving.meters.protocolSeen(listener, isHttp2 ? 'http2' : 'http');
    if (isHttp2) serveHttp2(serving, connection);
    else serveHttp(serving, connection);
  });
}

/** Somebody took `https://` for `http://`: told so, if that is what it is. */
function refusePlain(serving: ClientServing, connection: Connection, first: Buffer): void {
  const { socket, listener, sinceMs: startedMs } = connection;
  serving.meters.protocolSeen(listener, 'unknown');
  if (!isHttpStart(first[0])) return void socket.destroy();
  const code = 'http_request_error';
  refuseRaw(serving, connection, code, 'this port speaks TLS: use https://', 'close');
  reportRefusal(serving, { type: 'plain', connection, code, startedMs, rule: 'invalid' });
}
