import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { get } from './ask.ts';
import { type Peer, peerOf } from './peer.ts';

/** Clients that ask one thing after the other until they are told to stop; what goes wrong is kept. */
export type Load = {
  /** Requests, tunnels or round trips that went well so far. */
  readonly done: number;
  readonly failures: readonly string[];
  /** Resolves when this many more have gone well. */
  more(count: number): Promise<void>;
  /** No new ones; resolves when those under way have ended. */
  stop(): Promise<void>;
};

type Turn = (client: Client) => Promise<void>;
type Client = { peer: Peer | null; readonly port: number; readonly authority: string };

const perKind: Readonly<Record<LoadKind, Turn>> = {
  kept: keptRequest,
  connect: connectOnce,
  tunnel: roundTrip,
};

export type LoadKind = 'kept' | 'connect' | 'tunnel';

/**
 * - `kept`: GET after GET over one connection each, opened anew only when it said it would close
 * - `connect`: a CONNECT per round trip
 * - `tunnel`: one tunnel each, which must not end
 */
export function startLoad(
  port: number,
  origins: { readonly http: string; readonly echo: string },
  clients: Readonly<Record<LoadKind, number>>,
  /** Between two turns of a client: as fast as it can would leave other processes little of the machine. */
  pauseMs = 0,
): Load {
  const failures: string[] = [];
  let done = 0;
  let stopping = false;
  let changed = Promise.withResolvers<void>();

  async function run(kind: LoadKind): Promise<void> {
    const authority = kind === 'kept' ? origins.http : origins.echo;
    const client: Client = { peer: null, port, authority };
    while (!stopping) {
      try {
        await perKind[kind](client);
        done += 1;
      } catch (error) {
        note(kind, client, error);
        if (failures.length > 100) break; // enough to see what is wrong
      }
      changed.resolve();
      changed = Promise.withResolvers();
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
    client.peer?.socket.destroy();
  }

  function note(kind: LoadKind, client: Client, error: unknown): void {
    failures.push(`${kind}: ${error instanceof Error ? error.message : error}`);
    client.peer?.socket.destroy();
    client.peer = null;
  }

  const all = Promise.all(
    (['kept', 'connect', 'tunnel'] as const).flatMap((kind) =>
      Array.from({ length: clients[kind] }, () => run(kind)),
    ),
  );
  return {
    get done() {
      return done;
    },
    failures,
    async more(count) {
      const goal = done + count;
      while (done < goal && failures.length <= 100) await changed.promise;
    },
    async stop() {
      stopping = true;
      await all;
    },
  };
}

async function keptRequest(client: Client): Promise<void> {
  client.peer ??= await open(client.port);
  client.peer.send(get(client.authority));
  const answer = await client.peer.message();
  if (answer.status !== 200) throw new Error(`${answer.startLine} ${answer.body}`);
  if (answer.field('connection')?.toLowerCase() !== 'close') return;
  client.peer.socket.destroy();
  client.peer = null;
}

async function connectOnce(client: Client): Promise<void> {
  const peer = await openTunnel(client);
  await echoed(peer);
  peer.socket.destroy();
}

async function roundTrip(client: Client): Promise<void> {
  client.peer ??= await openTunnel(client);
  await echoed(client.peer);
}

async function openTunnel({ port, authority }: Client): Promise<Peer> {
  const peer = await open(port);
  peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const { status, startLine } = await peer.head();
  if (status !== 200) throw new Error(startLine);
  return peer;
}

async function echoed(peer: Peer): Promise<void> {
  peer.send('ping');
  const answer = await peer.bytes(4);
  if (answer !== 'ping') throw new Error(`echo: ${answer}`);
}

async function open(port: number): Promise<Peer> {
  const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const peer = peerOf(socket);
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return peer;
}
