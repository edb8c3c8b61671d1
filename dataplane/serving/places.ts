import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Limits } from '../../contracts/kinds/serving.ts';
import { type ClientCounts, openClientCounts } from '../limits/client-counts.ts';
import { openLimits, type SharedLimits } from '../limits/shared-limits.ts';
import type { WorkerContext } from '../workers/context.ts';
import type { ServedResource } from '../workers/messages.ts';
import type { Connection } from './connection.ts';

/** Where the threads that serve a resource count together. */
export type PlacesMemory = Pick<ServedResource<Kind>, 'limits' | 'clients'>;

/** The places that connections and tunnels of one resource take, counted over all threads. */
export class Places {
  readonly #context: WorkerContext;
  readonly #shared: SharedLimits;
  readonly #connections = new WeakSet<Connection>();
  readonly #countedTunnels = new WeakSet<Connection>();
  #clients: ClientCounts | null = null;
  #clientsMemory: SharedArrayBuffer | null = null;

  constructor(context: WorkerContext, memory: PlacesMemory) {
    this.#context = context;
    this.#shared = openLimits(memory.limits, context.worker);
    this.swap(memory);
  }

  /** Clients are not counted before a limit asks for it. */
  swap({ clients }: PlacesMemory): void {
    if (clients === null || clients === this.#clientsMemory) return;
    this.#clientsMemory = clients;
    this.#clients = openClientCounts(clients, this.#context);
  }

  /** Whether connections are counted by client address. */
  get countClients(): boolean {
    return this.#clients !== null;
  }

  /** One more for this client address, whether or not there is a place for the connection itself. */
  takeForClient(client: Connection['client'], { connectionsPerClient }: Limits): boolean {
    return this.#clients?.take('connections', client, connectionsPerClient) ?? true;
  }

  giveForClient({ client, countedPerClient }: Connection): void {
    if (countedPerClient) this.#clients?.give('connections', client);
  }

  /** A place in the process and one in the resource, or none. */
  takeConnection(connection: Connection, { connections }: Limits): boolean {
    const { pod, maxConnections } = this.#context;
    if (!pod.take('connections', maxConnections)) return false;
    if (this.#shared.take('connections', connections)) {
      this.#connections.add(connection);
      return true;
    }
    pod.give('connections');
    return false;
  }

  /** Gives back all a connection has; `false`: it has nothing any more. */
  giveConnection(connection: Connection): boolean {
    if (!this.#connections.delete(connection)) return false;
    this.#shared.give('connections');
    this.#context.pod.give('connections');
    this.giveForClient(connection);
    return true;
  }

  /** `null`, or the limit that leaves no place. */
  takeTunnel(connection: Connection, { tunnels, tunnelsPerClient }: Limits): string | null {
    if (!this.#shared.take('tunnels', tunnels)) return 'spec.limits.tunnels';
    if (this.#clients === null) return null;
    if (!this.#clients.take('tunnels', connection.client, tunnelsPerClient)) {
      this.#shared.give('tunnels');
      return 'spec.limits.tunnelsPerClient';
    }
    this.#countedTunnels.add(connection);
    return null;
  }

  giveTunnel(connection: Connection): void {
    this.#shared.give('tunnels');
    if (this.#countedTunnels.delete(connection)) this.#clients?.give('tunnels', connection.client);
  }
}
