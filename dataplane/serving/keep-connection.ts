import type { ClientServing } from './client-serving.ts';
import { announceMs, type Connection } from './connection.ts';

/** Gives a connection, with what was read of it already, to the HTTP server. */
export function serveHttp(serving: ClientServing, connection: Connection, read?: Buffer): void {
  const { socket } = connection;
  connection.become('head');
  if (read !== undefined) socket.unshift(read);
  serving.http.emit('connection', socket);
  socket.resume();
}

/** The same again after a CONNECT that was answered 407: the client may try once more. */
export function serveHttpAgain(serving: ClientServing, connection: Connection): void {
  connection.turns.next();
  settle(serving, connection);
  serving.http.emit('connection', connection.socket);
  connection.socket.resume();
}

/** Nothing under way: the connection is kept, first to go when places are short. */
export function settle(serving: ClientServing, connection: Connection): void {
  if (connection.socket.destroyed) return;
  connection.become('idle');
  connection.idleAtBytes = connection.socket.bytesRead;
  if (serving.draining) connection.closeIdleAtMs = Date.now() + announceMs;
  serving.idle.add(connection);
}

/** A letter, or the CR and LF a client may send before a request line (RFC 9112 §2.2). */
export function isHttpStart(byte = 0): boolean {
  return (
    (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 13 || byte === 10
  );
}
