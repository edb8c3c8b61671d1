import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../../contracts/errors.ts';
import { type IdleBoard, openIdleBoard } from '../limits/idle-board.ts';
import type { HttpRefusal } from '../protocols/connect-reply.ts';
import { inAny, parseIp } from '../protocols/ip-address.ts';
import type { Sharers, WorkerContext } from '../workers/context.ts';
import type { Outcome } from './access-log.ts';
import type { ClientMessage } from './client-message.ts';
import { type Accepted, announceMs, Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { awaitFirstBytes } from './first-bytes.ts';
import { createHttpServer } from './http.ts';
import { IdleConnections } from './idle-connections.ts';
import { Places, type PlacesMemory } from './places.ts';
import { refuseRaw, reportRefusal } from './refuse.ts';
import type { ClientMeters, ServingTerms } from './serving-terms.ts';
import type { Tunnel } from './tunnel.ts';

/** How long a closing connection may keep a peer that does not hang up. */
const lingerMs = 5_000;
/** So many clients that were turned away may take their time to hang up; the rest is cut at once. */
const maxTurnedAway = 256;
/** Others may be faster to the place that was made, but not for ever. */
const maxEvictions = 4;

/**
 * What all kinds that serve clients have in common: who gets a place, what each connection is doing,
 * what is overdue, and how it all ends.
 */
export abstract class ClientServing {
  readonly context: WorkerContext;
  readonly http: Server;
  readonly connections = new Map<Socket, Connection>();
  readonly idle: IdleConnections;
  readonly tunnels = new Set<Tunnel>();
  readonly exchanges = new Set<Exchange>();
  /** Ended tunnels whose sockets still have bytes to deliver, and until when. */
  readonly #closing = new Map<Socket, number>();
  readonly #places: Places;
  readonly #idleBoard: IdleBoard;
  #turnedAway = 0;
  #drainDeadlineMs: number | null = null;

  constructor(context: WorkerContext, memory: PlacesMemory & { readonly idle: SharedArrayBuffer }) {
    this.context = context;
    this.#places = new Places(context, memory);
    this.#idleBoard = openIdleBoard(memory.idle, context.worker);
    this.idle = new IdleConnections(this.#idleBoard);
    this.http = createHttpServer(this);
  }

  abstract get terms(): ServingTerms;
  abstract get meters(): ClientMeters;
  /** The `rule` of what is refused before any rule is looked at. */
  abstract readonly noRule: string;
  /** The first bytes of a client: whoever speaks it, takes them. */
  abstract greet(connection: Connection, first: Buffer): void;
  abstract exchange(message: ClientMessage): Exchange;
  abstract connect(connection: Connection, request: IncomingMessage, early: Buffer): void;
  abstract upgrade(connection: Connection, request: IncomingMessage, early: Buffer): void;
  abstract refusal(code: ErrorCode, message: string): HttpRefusal;
  /** How one request or tunnel went: said once, at its end. */
  abstract report(outcome: Outcome): void;

  get draining(): boolean {
    return this.#drainDeadlineMs !== null;
  }

  /** A newer version has more, or other, accounts. */
  protected shareMemory(memory: PlacesMemory): void {
    this.#places.swap(memory);
  }

  accept(socket: Socket, listener: string, sharers: Sharers): void {
    socket.on('error', () => undefined); // a reset before the first byte must not end the process
    const client = parseIp(socket.remoteAddress ?? '');
    if (client === null) return void socket.destroy(); // gone already
    const accepted = { client, listener, sharers };
    const counted = this.#places.countClients;
    if (!this.#places.takeForClient(client, this.terms.limits)) {
      return this.#turnAway(socket, accepted, 'spec.limits.connectionsPerClient');
    }
    this.#admit(new Connection(socket, accepted, counted), maxEvictions);
  }

  /** At the limit the kept connection that has been idle longest makes room, whichever thread has it. */
  #admit(connection: Connection, evictions: number): void {
    const { socket } = connection;
    // It did not wait for the other thread.
    if (socket.destroyed) return this.#places.giveForClient(connection);
    const { limits, resource } = this.terms;
    if (this.#places.takeConnection(connection, limits)) return this.#welcome(connection);
    const holder = evictions > 0 ? this.#idleBoard.holder(Date.now()) : null;
    const again = () => this.#admit(connection, evictions - 1);
    if (holder === null) {
      this.#places.giveForClient(connection);
      this.#turnAway(socket, connection, 'spec.limits.connections');
    } else if (holder === this.context.worker) {
      this.evictIdle();
      again();
    } else {
      this.context.evictIdle(holder, resource.uid, again);
    }
  }

  #welcome(connection: Connection): void {
    const { socket, listener } = connection;
    this.connections.set(socket, connection);
    if (this.draining) connection.closeIdleAtMs = Date.now() + announceMs;
    this.meters.connectionOpened(listener);
    socket.once('close', () => this.#closed(connection));
    awaitFirstBytes(this, connection);
  }

  evictIdle(): void {
    const oldest = this.idle.oldest();
    if (oldest === null) return;
    this.idle.delete(oldest);
    this.#release(oldest);
    oldest.socket.destroy();
  }

  #turnAway(socket: Socket, accepted: Accepted, field: string): void {
    const connection = new Connection(socket, accepted, false);
    const code = 'connection_limit_reached';
    const { protocol, tls = null } = this.terms.listeners.get(accepted.listener) ?? {};
    // A handshake for the sake of a refusal would cost more than serving.
    const readsHttp = protocol !== 'SOCKS' && tls === null;
    if (!readsHttp || this.#turnedAway >= maxTurnedAway) {
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
    const terms = this.terms.listeners.get(listener);
    return terms !== undefined && inAny(client, terms.allowedClients);
  }

  /** `null`, or the limit that leaves no place. */
  takeTunnel(connection: Connection): string | null {
    return this.#places.takeTunnel(connection, this.terms.limits);
  }

  giveTunnel(connection: Connection): void {
    this.#places.giveTunnel(connection);
  }

  /** Cuts these sockets if they have not closed by themselves soon. */
  watchClosing(client: Socket, upstream: Socket | null): void {
    const forMs = Math.max(lingerMs, this.terms.timeouts.halfCloseMs);
    for (const socket of [client, upstream]) if (socket !== null) this.#watchClosing(socket, forMs);
  }

  #watchClosing(socket: Socket, forMs: number): void {
    if (socket.destroyed) return;
    this.#closing.set(socket, Date.now() + forMs);
    socket.once('close', () => this.#closing.delete(socket));
  }

  drain(): void {
    if (this.#drainDeadlineMs !== null) return;
    const { timeoutMs, jitterMs } = this.terms.drain;
    const now = Date.now();
    // Spread out, so that not all clients come back in the same second; `timeout: 0s` cuts at once.
    const spreadMs = Math.min(jitterMs, timeoutMs);
    this.#drainDeadlineMs = now + timeoutMs + spreadMs;
    // A client whose request is on its way is told in the answer; were it cut off, the request would fail.
    const closeFromMs = now + Math.min(announceMs, timeoutMs);
    for (const connection of this.connections.values()) {
      connection.closeIdleAtMs = closeFromMs + Math.random() * spreadMs;
      connection.cutAtMs = now + timeoutMs + Math.random() * spreadMs;
    }
    this.sweep(now);
  }

  open(): number {
    return this.connections.size + this.#closing.size + this.#overConnectionsOfOthers();
  }

  /** Requests and tunnels that came to a listener which another resource accepts on. */
  #overConnectionsOfOthers(): number {
    const isOthers = ({ connection }: Exchange | Tunnel) =>
      !this.connections.has(connection.socket);
    return [...this.exchanges, ...this.tunnels].filter(isOthers).length;
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
    const { timeouts } = this.terms;
    const { socket, state } = connection;
    const age = nowMs - connection.sinceMs;
    if (connection.leave !== null && nowMs >= connection.closeIdleAtMs) connection.leave();
    switch (state) {
      case 'sniffing':
      case 'securing':
      case 'socks':
        if (age >= timeouts.handshakeMs || nowMs >= connection.closeIdleAtMs) socket.destroy();
        break;
      case 'head':
        if (age >= timeouts.requestHeadersMs) this.#timeOutHead(connection);
        break;
      case 'idle':
        this.#sweepIdle(connection, age, nowMs);
        break;
      case 'closing':
        if (lingered(socket, age, timeouts.halfCloseMs)) socket.destroy();
        break;
      case 'active':
      case 'tunnel':
        break;
    }
  }

  #sweepIdle(connection: Connection, age: number, nowMs: number): void {
    const { socket, leave, idleAtBytes, closeIdleAtMs } = connection;
    if (leave === null && socket.bytesRead > idleAtBytes) {
      this.idle.delete(connection);
      connection.become('head');
    } else if (age >= this.terms.timeouts.idleMs || nowMs >= closeIdleAtMs) {
      connection.hangUp();
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
}

/** Whether a closing socket had its time: longer while our last words are still on their way. */
function lingered({ writableLength }: Socket, age: number, halfCloseMs: number): boolean {
  return age >= (writableLength === 0 ? lingerMs : Math.max(lingerMs, halfCloseMs));
}
