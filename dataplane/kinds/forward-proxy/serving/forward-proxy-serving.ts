import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientCounts, openClientCounts } from '../../../limits/client-counts.ts';
import { type IdleBoard, openIdleBoard } from '../../../limits/idle-board.ts';
import { openLimits, type SharedLimits } from '../../../limits/shared-limits.ts';
import { inAny, parseIp } from '../../../protocols/ip-address.ts';
import type { Serving, WorkerContext } from '../../../workers/context.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import { compilePolicy, type Policy } from '../policy.ts';
import { accessLogLine, type Outcome } from './access-log.ts';
import { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { createHttpServer } from './http.ts';
import { IdleConnections } from './idle-connections.ts';
import { createProxyMeters, type ProxyMeters } from './proxy-meters.ts';
import { refuseRaw, reportRefusal } from './refuse.ts';
import { sniff } from './sniff.ts';
import type { Tunnel } from './tunnel.ts';
import { createUpstreamPools, type UpstreamPools } from './upstream-pools.ts';

/** How long a closing connection may keep a peer that does not hang up. */
const lingerMs = 5_000;
/** So many clients that were turned away may take their time to hang up; the rest is cut at once. */
const maxTurnedAway = 256;
/** Others may be faster to the place that was made, but not for ever. */
const maxEvictions = 4;

/** One ForwardProxy in one thread: its policy of now, and everything that is open under it. */
export class ForwardProxyServing implements Serving<'ForwardProxy'> {
  readonly context: WorkerContext;
  readonly meters: ProxyMeters;
  readonly pools: UpstreamPools;
  readonly http: Server;
  readonly connections = new Map<Socket, Connection>();
  readonly idle: IdleConnections;
  readonly tunnels = new Set<Tunnel>();
  readonly exchanges = new Set<Exchange>();
  /** Ended tunnels whose sockets still have bytes to deliver, and until when. */
  readonly #closing = new Map<Socket, number>();
  readonly #limits: SharedLimits;
  readonly #idleBoard: IdleBoard;
  readonly #perTunnelClient = new WeakSet<Connection>();
  #clients: ClientCounts | null = null;
  #clientsMemory: SharedArrayBuffer | null = null;
  #resource: ServedResource<'ForwardProxy'>;
  #policy: Policy;
  #turnedAway = 0;
  #drainDeadlineMs: number | null = null;

  constructor(context: WorkerContext, resource: ServedResource<'ForwardProxy'>) {
    this.context = context;
    this.#resource = resource;
    this.#policy = compilePolicy(resource.config);
    this.#limits = openLimits(resource.limits, context.worker);
    this.#idleBoard = openIdleBoard(resource.idle, context.worker);
    this.idle = new IdleConnections(this.#idleBoard);
    this.#openClients(resource);
    this.meters = createProxyMeters(context.meter, resource);
    this.pools = createUpstreamPools(context.dialer);
    this.http = createHttpServer(this);
  }

  get policy(): Policy {
    return this.#policy;
  }

  get resource(): ServedResource<'ForwardProxy'> {
    return this.#resource;
  }

  get draining(): boolean {
    return this.#drainDeadlineMs !== null;
  }

  swap(resource: ServedResource<'ForwardProxy'>): void {
    if (resource.sequence === this.#resource.sequence) return;
    this.#resource = resource;
    this.#policy = compilePolicy(resource.config);
    this.#openClients(resource);
    this.pools.renew();
    if (resource.config.drain.onPolicyChange === 'Revoke') {
      for (const tunnel of this.tunnels) if (tunnel.wouldBeRefused()) tunnel.end('policy_changed');
    }
  }

  accept(socket: Socket, listener: string): void {
    socket.on('error', () => undefined); // a reset before the first byte must not end the process
    const client = parseIp(socket.remoteAddress ?? '');
    if (client === null) return void socket.destroy(); // gone already
    const { connectionsPerClient } = this.#policy.config.limits;
    const counted = this.#clients !== null;
    if (counted && !this.#clients?.take('connections', client, connectionsPerClient)) {
      return this.#turnAway(socket, listener, client, 'spec.limits.connectionsPerClient');
    }
    this.#admit(new Connection(socket, client, listener, counted), maxEvictions);
  }

  /** At the limit the kept connection that has been idle longest makes room, whichever thread has it. */
  #admit(connection: Connection, evictions: number): void {
    const { socket, client, listener, countedPerClient } = connection;
    if (socket.destroyed) {
      if (countedPerClient) this.#clients?.give('connections', client);
      return; // it did not wait for the other thread
    }
    if (this.#takePlaces(this.#policy.config.limits.connections)) return this.#welcome(connection);
    const holder = evictions > 0 ? this.#idleBoard.holder(Date.now()) : null;
    const again = () => this.#admit(connection, evictions - 1);
    if (holder === null) {
      if (countedPerClient) this.#clients?.give('connections', client);
      this.#turnAway(socket, listener, client, 'spec.limits.connections');
    } else if (holder === this.context.worker) {
      this.evictIdle();
      again();
    } else {
      this.context.evictIdle(holder, this.#resource.uid, again);
    }
  }

  #welcome(connection: Connection): void {
    const { socket, listener } = connection;
    this.connections.set(socket, connection);
    this.meters.connectionOpened(listener);
    socket.once('close', () => this.#closed(connection));
    sniff(this, connection);
  }

  evictIdle(): void {
    const oldest = this.idle.oldest();
    if (oldest === null) return;
    this.idle.delete(oldest);
    this.#release(oldest);
    oldest.socket.destroy();
  }

  #takePlaces(limit: number): boolean {
    const { pod, maxConnections } = this.context;
    if (!pod.take('connections', maxConnections)) return false;
    if (this.#limits.take('connections', limit)) return true;
    pod.give('connections');
    return false;
  }

  #turnAway(socket: Socket, listener: string, client: Connection['client'], field: string): void {
    const connection = new Connection(socket, client, listener, false);
    const code = 'connection_limit_reached';
    const speaksHttp = this.#policy.listeners.get(listener)?.config.protocol !== 'SOCKS';
    if (!speaksHttp || this.#turnedAway >= maxTurnedAway) {
      socket.destroy();
    } else {
      this.#turnedAway++;
      socket.once('close', () => this.#turnedAway--);
      refuseRaw(this, connection, code, `too many connections (${field})`, 'close');
      this.#watchClosing(socket, lingerMs);
    }
    reportRefusal(this, {
      type: 'plain',
      connection,
      code,
      startedMs: connection.sinceMs,
      rule: 'limit',
    });
  }

  readonly #released = new WeakSet<Connection>();

  #closed(connection: Connection): void {
    this.idle.delete(connection);
    this.#release(connection);
  }

  #release(connection: Connection): void {
    if (this.#released.has(connection)) return;
    this.#released.add(connection);
    this.connections.delete(connection.socket);
    this.#limits.give('connections');
    this.context.pod.give('connections');
    if (connection.countedPerClient) this.#clients?.give('connections', connection.client);
    this.meters.connectionClosed();
  }

  clientAllowed({ client, listener }: Connection): boolean {
    const policy = this.#policy.listeners.get(listener);
    return policy !== undefined && inAny(client, policy.allowedClients);
  }

  /** `null`, or the limit that leaves no place. */
  takeTunnel(connection: Connection): string | null {
    const { tunnels, tunnelsPerClient } = this.#policy.config.limits;
    if (!this.#limits.take('tunnels', tunnels)) return 'spec.limits.tunnels';
    if (this.#clients === null) return null;
    if (!this.#clients.take('tunnels', connection.client, tunnelsPerClient)) {
      this.#limits.give('tunnels');
      return 'spec.limits.tunnelsPerClient';
    }
    this.#perTunnelClient.add(connection);
    return null;
  }

  giveTunnel(connection: Connection): void {
    this.#limits.give('tunnels');
    if (this.#perTunnelClient.delete(connection)) this.#clients?.give('tunnels', connection.client);
  }

  /** Cuts these sockets if they have not closed by themselves soon. */
  watchClosing(client: Socket, upstream: Socket | null): void {
    const forMs = Math.max(lingerMs, this.#policy.config.timeouts.halfCloseMs);
    for (const socket of [client, upstream]) if (socket !== null) this.#watchClosing(socket, forMs);
  }

  #watchClosing(socket: Socket, forMs: number): void {
    if (socket.destroyed) return;
    this.#closing.set(socket, Date.now() + forMs);
    socket.once('close', () => this.#closing.delete(socket));
  }

  report(outcome: Outcome): void {
    const now = Date.now();
    this.meters.outcome(outcome, now, this.#policy.config);
    if (this.#policy.config.accessLog.enabled) {
      this.context.accessLog(accessLogLine(this, outcome, now));
    }
  }

  drain(): void {
    if (this.#drainDeadlineMs !== null) return;
    const { timeoutMs, jitterMs } = this.#policy.config.drain;
    const now = Date.now();
    // Spread out, so that not all clients come back in the same second; `timeout: 0s` cuts at once.
    const spreadMs = Math.min(jitterMs, timeoutMs);
    this.#drainDeadlineMs = now + timeoutMs + spreadMs;
    for (const connection of this.connections.values()) {
      connection.closeIdleAtMs = now + Math.random() * spreadMs;
      connection.cutAtMs = now + timeoutMs + Math.random() * spreadMs;
    }
    this.sweep(now);
  }

  open(): number {
    return this.connections.size + this.#closing.size;
  }

  sweep(nowMs: number): void {
    if (this.#drainDeadlineMs !== null && nowMs >= this.#drainDeadlineMs) return this.#cutAll();
    for (const connection of this.connections.values()) this.#sweepConnection(connection, nowMs);
    for (const exchange of this.exchanges) exchange.sweep(nowMs);
    for (const tunnel of this.tunnels) {
      const reason = tunnel.overdue(nowMs);
      if (reason !== null) tunnel.end(reason);
    }
    for (const [socket, deadlineMs] of this.#closing) if (nowMs >= deadlineMs) socket.destroy();
  }

  #sweepConnection(connection: Connection, nowMs: number): void {
    const { timeouts } = this.#policy.config;
    const { socket, state } = connection;
    const age = nowMs - connection.sinceMs;
    switch (state) {
      case 'sniffing':
      case 'socks':
        if (age >= timeouts.handshakeMs || nowMs >= connection.closeIdleAtMs) socket.destroy();
        break;
      case 'head':
        if (age >= timeouts.requestHeadersMs) this.#timeOutHead(connection);
        break;
      case 'idle':
        if (socket.bytesRead > connection.idleAtBytes) {
          this.idle.delete(connection);
          connection.become('head');
        } else if (age >= timeouts.idleMs || nowMs >= connection.closeIdleAtMs) {
          socket.destroy();
        }
        break;
      case 'closing':
        if (lingered(socket, age, timeouts.halfCloseMs)) socket.destroy();
        break;
      case 'active':
      case 'tunnel':
        break;
    }
  }

  #timeOutHead(connection: Connection): void {
    const code = 'request_timeout';
    const message = 'the request head did not arrive in time (spec.timeouts.requestHeaders)';
    refuseRaw(this, connection, code, message, 'close');
    reportRefusal(this, { type: 'plain', connection, code, startedMs: connection.sinceMs });
  }

  #cutAll(): void {
    for (const tunnel of this.tunnels) tunnel.end('drained');
    for (const exchange of this.exchanges) exchange.cut();
    for (const socket of this.connections.keys()) socket.destroy();
    for (const socket of this.#closing.keys()) socket.destroy();
  }

  close(): void {
    this.pools.close();
    this.meters.close();
  }

  #openClients({ clients }: ServedResource<'ForwardProxy'>): void {
    if (clients === null || clients === this.#clientsMemory) return;
    this.#clientsMemory = clients;
    this.#clients = openClientCounts(clients, this.context);
  }
}

/** Whether a closing socket had its time: longer while our last words are still on their way. */
function lingered({ writableLength }: Socket, age: number, halfCloseMs: number): boolean {
  return age >= (writableLength === 0 ? lingerMs : Math.max(lingerMs, halfCloseMs));
}
