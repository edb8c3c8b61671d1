import type { Connection } from './connection.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { serveHttp } from './keep-connection.ts';
import { serveSocks } from './socks.ts';

const socks4 = 0x04;
const socks5 = 0x05;

/** Waits for the first byte, which says what the client speaks; the sweep ends who says nothing. */
export function sniff(proxy: ForwardProxyServing, connection: Connection): void {
  const { socket } = connection;
  const leave = () => {
    socket.removeListener('data', onData);
    socket.removeListener('end', onEnd);
  };
  const onEnd = () => {
    leave();
    proxy.meters.protocolSeen(connection.listener, 'unknown');
    socket.destroy();
  };
  const onData = (chunk: Buffer) => {
    leave();
    socket.pause();
    dispatch(proxy, connection, chunk);
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
}

function dispatch(proxy: ForwardProxyServing, connection: Connection, chunk: Buffer): void {
  const { socket, listener } = connection;
  const protocol = proxy.policy.listeners.get(listener)?.config.protocol;
  const first = chunk[0];
  if (protocol !== 'HTTP' && (first === socks4 || first === socks5)) {
    proxy.meters.protocolSeen(listener, first === socks4 ? 'socks4' : 'socks5');
    serveSocks(proxy, connection, chunk);
  } else if (protocol !== 'SOCKS' && first !== undefined && isMethodStart(first)) {
    proxy.meters.protocolSeen(listener, 'http');
    serveHttp(proxy, connection, chunk);
  } else {
    // TLS (0x16) too: there is no HTTPS listener to speak it.
    proxy.meters.protocolSeen(listener, 'unknown');
    socket.destroy();
  }
}

/** A letter, or the CR and LF a client may send before a request line (RFC 9112 §2.2). */
function isMethodStart(byte: number): boolean {
  return (
    (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 13 || byte === 10
  );
}
