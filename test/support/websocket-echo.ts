import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Scope } from './teardowns.ts';

/** A server on loopback that echoes websockets (at one path, answering 400 to others) and answers 404 to all else. */
export async function startWebsocketEcho(
  scope: Scope,
  {
    tls,
    path,
  }: {
    readonly tls?: { readonly key: string; readonly cert: string };
    readonly path?: string;
  } = {},
): Promise<{ readonly authority: string }> {
  const listener: RequestListener = (_request, response) => void response.writeHead(404).end();
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  const websockets = new WebSocketServer({ server, ...(path === undefined ? {} : { path }) });
  websockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.teardown(() => {
    for (const client of websockets.clients) client.terminate();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo; // it listens
  return { authority: `127.0.0.1:${port}` };
}
