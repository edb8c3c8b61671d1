import type { Connection } from '../../../serving/connection.ts';
import { isHttpStart, serveHttp } from '../../../serving/keep-connection.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { serveSocks } from './socks.ts';

const socks4 = 0x04;
const socks5 = 0x05;

/** The first byte of a client says what it speaks. */
export function greet(proxy: ForwardProxyServing, connection: Connection, chunk: Buffer): void {
  const { socket, listener } = connection;
  const protocol = proxy.terms.listeners.get(listener)?.protocol;
  const [first] = chunk;
  if (protocol !== 'HTTP' && (first === socks4 || first === socks5)) {
    proxy.meters.protocolSeen(listener, first === socks4 ? 'socks4' : 'socks5');
    serveSocks(proxy, connection, chunk);
  } else if (protocol !== 'SOCKS' && isHttpStart(first)) {
    proxy.meters.protocolSeen(listener, 'http');
    serveHttp(proxy, connection, chunk);
  } else {
    // TLS (0x16) too: there is no HTTPS listener to speak it.
    proxy.meters.protocolSeen(listener, 'unknown');
    socket.destroy();
  }
}
