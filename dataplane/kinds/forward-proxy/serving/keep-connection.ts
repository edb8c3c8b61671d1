import type { Connection } from './connection.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';

/** Gives a connection, with what was read of it, to the HTTP server. */
export function serveHttp(proxy: ForwardProxyServing, connection: Connection, read: Buffer): void {
  const { socket } = connection;
  connection.become('head');
  socket.unshift(read);
  proxy.http.emit('connection', socket);
  socket.resume();
}

/** The same again after a CONNECT that was answered 407: the client may try once more. */
export function serveHttpAgain(proxy: ForwardProxyServing, connection: Connection): void {
  connection.turns.next();
  settle(proxy, connection);
  proxy.http.emit('connection', connection.socket);
  connection.socket.resume();
}

/** Nothing under way: the connection is kept, first to go when places are short. */
export function settle(proxy: ForwardProxyServing, connection: Connection): void {
  if (connection.socket.destroyed) return;
  connection.become('idle');
  connection.idleAtBytes = connection.socket.bytesRead;
  if (proxy.draining) connection.closeIdleAtMs = 0;
  proxy.idle.add(connection);
}
