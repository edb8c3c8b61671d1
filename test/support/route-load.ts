import { setTimeout } from 'node:timers/promises';
import { connectPeer, type Peer } from './peer.ts';
import { requestText } from './route-request.ts';
import type { Scope } from './teardowns.ts';

export type RouteLoad = {
  /** Requests that were answered 200 so far. */
  readonly done: number;
  /** What went wrong; a client ends with its first failure. */
  readonly failures: readonly string[];
  /** Resolves when so many more were answered, or something went wrong. */
  more(count: number): Promise<void>;
  /** No new requests; resolves when those under way have ended, and closes the connections. */
  stop(): Promise<void>;
};

/** Clients that ask one thing after the other, with and without bodies, on a connection each that must not end. */
export async function startAsking(
  scope: Pick<Scope, 'teardown'>,
  port: number,
  clients: number,
  pauseMs = 0,
): Promise<RouteLoad> {
  const failures: string[] = [];
  let done = 0;
  let stopping = false;
  let changed = Promise.withResolvers<void>();
  const connections = await Promise.all(
    Array.from({ length: clients }, () => connectPeer(scope, port)),
  );

  async function run(client: Peer, index: number): Promise<void> {
    const text =
      index % 2 === 0
        ? requestText()
        : requestText({ method: 'POST', body: 'x'.repeat(1000 * index) });
    while (!stopping) {
      client.send(text);
      const { status, startLine, field } = await client.message();
      if (status !== 200 || field('connection') === 'close') throw new Error(startLine);
      done += 1;
      changed.resolve();
      changed = Promise.withResolvers();
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
  }

  const ended = Promise.all(
    connections.map((client, index) =>
      run(client, index).catch((error: Error) => {
        failures.push(error.message);
        changed.resolve();
      }),
    ),
  );
  return {
    get done() {
      return done;
    },
    failures,
    async more(count) {
      const goal = done + count;
      while (done < goal && failures.length === 0) await changed.promise;
    },
    async stop() {
      stopping = true;
      await ended;
      for (const { socket } of connections) socket.destroy();
    },
  };
}
