import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Scope } from './teardowns.ts';

export type Relay = {
  readonly port: number;
  /** From now on what clients send waits here. */
  holdRequests(): void;
  /** Lets pass what waited, and all that comes. */
  releaseRequests(): void;
  /** From now on what the server sends is lost. */
  dropReplies(): void;
  /** Ends every connection; later ones are whole again. */
  cut(): void;
};

/** A stable address in front of a server on loopback, at which a network can fail. */
export async function startRelay(t: Pick<Scope, 'teardown'>, target: number): Promise<Relay> {
  const pairs = new Set<{ readonly client: Socket; readonly upstream: Socket }>();
  let dropping = false;
  let held: (() => void)[] | null = null;

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const pair = { client, upstream };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('data', (bytes) => {
      const pass = () => upstream.write(bytes);
      if (held === null) pass();
      else held.push(pass);
    });
    upstream.on('data', (bytes) => {
      if (!dropping) client.write(bytes);
    });
  });
  const cut = () => {
    dropping = false;
    held = null;
    for (const { client } of [...pairs]) client.destroy();
  };
  t.teardown(() => {
    cut();
    server.close();
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    holdRequests: () => {
      held = [];
    },
    releaseRequests: () => {
      const waiting = held ?? [];
      held = null;
      for (const pass of waiting) pass();
    },
    dropReplies: () => {
      dropping = true;
    },
    cut,
  };
}
