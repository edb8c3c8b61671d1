import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type IdleBoard, openIdleBoard } from '../../../limits/idle-board.ts';
import { inAny, parseIp } from '../../../protocols/ip-address.ts';
import type { Serving, WorkerContext } from '../../../workers/context.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import { compilePolicy, type Policy } from '../policy.ts';
import { accessLogLine, type Outcome } from './access-log.ts';
import { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { createHttpServer } from './http.ts';
import { IdleConnections } from './idle-connections.ts';
import { Places } from './places.ts';
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
  readonly #places: Places;
  readonly #idleBoard: IdleBoard;
  #resource: ServedResource<'ForwardProxy'>;
  #policy: Policy;
  #turnedAway = 0;
  #drainDeadlineMs: number | null = null;

  constructor(context: WorkerContext, resource: ServedResource<'ForwardProxy'>) {
    this.context = context;
    this.#resource = resource;
    this.#policy = compilePolicy(resource.config);
    this.#places = new Places(context, resource);
    this.#idleBoard = openIdleBoard(resource.idle, context.worker);
    this.idle = new IdleConnections(this.#idleBoard);
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
    this.#places.swap(resource);
    this.pools.renew();
    if (resource.config.drain.onPolicyChange === 'Revoke') {
      for (const tunnel of this.tunnels) if (tunnel.wouldBeRefused()) tunnel.end('policy_changed');
    }
  }

  accept(socket: Socket, listener: string): void {
    socket.on('error', () => undefined); // a reset before the first byte must not end the process
    const client = parseIp(socket.remoteAddress ?? '');
    if (client === null) return void socket.destroy(); // gone already
    const counted = this.#places.countClients;
    if (!this.#places.takeForClient(client, this.#policy.config.limits)) {
      return this.#turnAway(socket, listener, client, 'spec.limits.connectionsPerClient');
    }
    this.#admit(new Connection(socket, client, listener, counted), maxEvictions);
  }

  /** At the limit the kept connection that has been idle longest makes room, whichever thread has it. */
  #admit(connection: Connection, evictions: number): void {
    const { socket, client, listener } = connection;
    // It did not wait for the other thread.
    if (socket.destroyed) return this.#places.giveForClient(connection);
    const { limits } = this.#policy.config;
    if (this.#places.takeConnection(connection, limits)) return this.#welcome(connection);
    const holder = evictions > 0 ? this.#idleBoard.holder(Date.now()) : null;
    const again = () => this.#admit(connection, evictions - 1);
    if (holder === null) {
      this.#places.giveForClient(connection);
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

  #closed(connection: Connection): void {
    this.idle.delete(connection);
    this.#release(connection);
  }

  #release(connection: Connection): void {
    this.connections.delete(connection.socket);
    if (this.#places.giveConnection(connection)) this.meters.connectionClosed();
  }

  clientAllowed({ client, listener }: Connection): boolean {
    const policy = this.#policy.listeners.get(listener);
    return policy !== undefined && inAny(client, policy.allowedClients);
  }

  /** `null`, or the limit that leaves no place. */
  takeTunnel(connection: Connection): string | null {
    return this.#places.takeTunnel(connection, this.#policy.config.limits);
  }

  giveTunnel(connection: Connection): void {
    this.#places.giveTunnel(connection);
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
}

/** Whether a closing socket had its time: longer while our last words are still on their way. */
function lingered({ writableLength }: Socket, age: number, halfCloseMs: number): boolean {
  return age >= (writableLength === 0 ? lingerMs : Math.max(lingerMs, halfCloseMs));
}
