import type { Socket } from 'node:net';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Ip } from '../protocols/ip-address.ts';
import type { Sharers } from '../workers/context.ts';
import { Turns } from './turns.ts';

/**
 * What a client connection is doing, and since when. Node forgets sockets that left its HTTP
 * server, so this registry entry is what limits, drains and time-outs go by.
 *
 *   sniffing ─▶ head ⇄ active ⇄ idle ─▶ closing      HTTP
 *   sniffing ─▶ securing ─▶ head or idle             TLS; HTTP/2 has no head of its own
 *   sniffing ─▶ socks ─▶ tunnel ─▶ closing           SOCKS; CONNECT goes active ─▶ tunnel
 */
export type ConnectionState =
  | 'sniffing'
  | 'securing'
  | 'socks'
  | 'head'
  | 'active'
  | 'idle'
  | 'tunnel'
  | 'closing';

/** The request that came last, as far as its connection has to know it. */
export type Newest = {
  /** What follows its head is not HTTP. `false`: its body was whole, so that is not about it. */
  bodyBroken(code: ErrorCode, message: string): boolean;
};

/** The request whose turn it is. */
type Current = {
  /** The connection can take more of its answer, which Node does not tell. */
  drained(): void;
};

/** Where a connection comes from. */
export type Accepted = {
  readonly client: Ip;
  readonly listener: string;
  readonly sharers: Sharers;
};

/** A drain leaves kept connections open so long at least: whoever asks meanwhile is told that it was the last time. */
export const announceMs = 1_000;

export class Connection {
  /** What is read and written: TLS, once that is agreed on. */
  socket: Socket;
  readonly #tcp: Socket;
  readonly client: Ip;
  readonly listener: string;
  /** Who answers its requests, beside who accepted it. */
  readonly sharers: Sharers;
  /** Whether this connection has a place among those of its client address. */
  readonly countedPerClient: boolean;
  state: ConnectionState = 'sniffing';
  sinceMs: number;
  /** Bytes that had come when the connection went idle: more means a head has begun. */
  idleAtBytes = 0;
  readonly turns = new Turns();
  newest: Newest | null = null;
  current: Current | null = null;
  /** HTTP/2: takes no more requests, and ends after those it has. `null`: it is not. */
  leave: (() => void) | null = null;
  /** Set by a drain: when to close it if it is idle. */
  closeIdleAtMs = Number.POSITIVE_INFINITY;
  /** Set by a drain: when to cut it whatever it does. */
  cutAtMs = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, { client, listener, sharers }: Accepted, countedPerClient: boolean) {
    this.socket = socket;
    this.#tcp = socket;
    this.client = client;
    this.listener = listener;
    this.sharers = sharers;
    this.countedPerClient = countedPerClient;
    this.sinceMs = Date.now();
  }

  get secure(): boolean {
    return this.socket !== this.#tcp;
  }

  /** Whether a drain wants it closed: it gets no further request. */
  get draining(): boolean {
    return this.closeIdleAtMs !== Number.POSITIVE_INFINITY;
  }

  become(state: ConnectionState): void {
    this.state = state;
    this.sinceMs = Date.now();
  }

  /** Of an idle one. Over HTTP/2 the client is told, for its next request may be on its way. */
  hangUp(): void {
    if (this.leave === null) return void this.socket.destroy();
    this.become('closing');
    this.leave();
  }

  /** The peer sees a reset: nothing of what it has is whole. */
  reset(): void {
    this.#tcp.resetAndDestroy();
  }

  /**
   * Ends our half and throws away what still comes, so that the last answer is not lost to a reset
   * (RFC 9112 §9.6). The sweep cuts it if the client does not hang up.
   */
  linger(): void {
    if (this.state === 'closing') return;
    this.become('closing');
    const { socket } = this;
    socket.end();
    socket.removeAllListeners('data');
    socket.on('data', () => undefined);
    socket.once('end', () => socket.destroy());
    socket.resume();
  }
}
