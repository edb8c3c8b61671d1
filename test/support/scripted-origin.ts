import type { Socket } from 'node:net';
import { type ServerTls, startTcpOrigin } from './origin.ts';
import { type Peer, peerOf } from './peer.ts';
import type { Scope } from './teardowns.ts';

/** An origin that says, byte by byte, what the test wants it to. */
export type ScriptedOrigin = {
  readonly authority: string;
  /** Connections it got so far, open or not. */
  readonly connections: readonly Peer[];
  /** Those of now; with TLS, outside of it. */
  readonly sockets: ReadonlySet<Socket>;
};

/** Each connection goes to `serve` with its number, from 0; what fails in there has closed, which the test sees. */
export async function startScriptedOrigin(
  t: Scope,
  serve: (peer: Peer, index: number) => Promise<void>,
  tls: ServerTls | null = null,
): Promise<ScriptedOrigin> {
  const connections: Peer[] = [];
  const connected = (socket: Socket) => {
    const peer = peerOf(socket);
    connections.push(peer);
    serve(peer, connections.length - 1).catch(() => socket.destroy());
  };
  const { authority, sockets } = await startTcpOrigin(t, connected, tls);
  return { authority, connections, sockets };
}

/** The same answer to every request on every connection, bodies read first. */
export function answering(answer: string | Buffer): (peer: Peer) => Promise<void> {
  return async (peer) => {
    for (;;) {
      await peer.message();
      peer.send(answer);
    }
  };
}
