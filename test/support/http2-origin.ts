import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Scope } from './teardowns.ts';

/** A server on loopback that speaks HTTP/2 without TLS, each request by the handler of the moment. */
export type Http2Origin = {
  readonly authority: string;
  /** Connections so far, open or not. */
  readonly sessions: readonly ServerHttp2Session[];
  play(handler: Http2Handler): void;
};

export type Http2Handler = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  session: ServerHttp2Session,
) => unknown;

export async function startHttp2Origin(
  scope: Scope,
  settings: Settings = {},
): Promise<Http2Origin> {
  const server = createServer({ settings, maxHeaderListPairs: 2000 });
  const sessions: ServerHttp2Session[] = [];
  let handle: Http2Handler = echo;
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
    session.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      handle(stream, headers, session);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.teardown(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  const { port } = server.address() as AddressInfo; // it listens
  return {
    authority: `127.0.0.1:${port}`,
    sessions,
    play(handler) {
      handle = handler;
    },
  };
}

/** Answers with what it was asked, as JSON. */
export async function echo(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const body = (await buffer(stream)).toString('latin1');
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end(JSON.stringify({ headers: { ...headers }, body }));
}
