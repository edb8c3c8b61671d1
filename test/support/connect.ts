import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';

export type ConnectReply = {
  readonly status: number;
  readonly message: IncomingMessage;
  readonly socket: Socket;
};

/** Asks the proxy on `port` for a tunnel to `authority`; answers whatever it says. */
export function connectThrough(
  port: number,
  authority: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<ConnectReply> {
  const { promise, resolve, reject } = Promise.withResolvers<ConnectReply>();
  const asked = request({
    host: '127.0.0.1',
    port,
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...headers },
    agent: false,
  });
  asked.once('connect', (message, socket) =>
    resolve({ status: message.statusCode ?? 0, message, socket: socket as Socket }),
  );
  asked.once('error', reject);
  asked.end();
  return promise;
}

export const proxyAuthorization = (user: string, password: string) => ({
  'proxy-authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
