import { startTcpOrigin } from './origin.ts';
import { type Peer, peerOf } from './peer.ts';
import type { Scope } from './teardowns.ts';

/** An origin that says, byte by byte, what the test wants it to. */
export type ScriptedOrigin = {
  readonly authority: string;
  /** Connections it got so far, open or not. */
  readonly connections: readonly Peer[];
};

/** Each connection goes to `serve` with its number, from 0; what fails in there has closed, which the test sees. */
export async function startScriptedOrigin(
  t: Scope,
  serve: (peer: Peer, index: number) => Promise<void>,
): Promise<ScriptedOrigin> {
  const connections: Peer[] = [];
  const { authority } = await startTcpOrigin(t, (socket) => {
    const peer = peerOf(socket);
    connections.push(peer);
    serve(peer, connections.length - 1).catch(() => socket.destroy());
  });
  return { authority, connections };
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
