import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { freePorts } from './ports.ts';
import type { Scope } from './teardowns.ts';

export type NatsCluster = {
  /** All its addresses, separated by commas. */
  readonly servers: string;
  /** By the names that NATS knows them by. */
  readonly nodes: ReadonlyMap<string, NatsServer>;
};

/** Three servers that keep every stream three times, on loopback; answers when they have agreed on a leader. */
export async function startNatsCluster(t: Scope): Promise<NatsCluster> {
  const routePorts = await freePorts(3);
  const routes = routePorts.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const nodes = await Promise.all(
    routePorts.map(async (port, index) => {
      const name = `node-${index}`;
      const cluster = `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
      return [name, await startNatsServer(t, `server_name: ${name}\n${cluster}`)] as const;
    }),
  );
  const servers = nodes.map(([, { url }]) => url).join(',');
  await agreed(servers);
  return { servers, nodes: new Map(nodes) };
}

/** Streams can be made. */
async function agreed(servers: string): Promise<void> {
  const nats = await connect({ servers: servers.split(','), maxReconnectAttempts: -1 });
  const manager = await jetstreamManager(nats, { checkAPI: false, timeout: 2000 });
  const make = async () => {
    await manager.streams.add({ name: 'agreed', subjects: ['agreed'], num_replicas: 3 });
    await manager.streams.delete('agreed');
    return true;
  };
  while (!(await make().catch(() => false)));
  await nats.close();
}
