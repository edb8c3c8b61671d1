import type { Socket } from 'node:net';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import type { Ip } from '../../../protocols/ip-address.ts';
import { Turns } from './turns.ts';

/**
 * What a client connection is doing, and since when. Node forgets sockets that left its HTTP
 * server, so this registry entry is what limits, drains and time-outs go by.
 *
 *   sniffing ─▶ head ⇄ active ⇄ idle ─▶ closing      HTTP
 *   sniffing ─▶ socks ─▶ tunnel ─▶ closing           SOCKS; CONNECT goes active ─▶ tunnel
 */
export type ConnectionState =
  | 'sniffing'
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

export class Connection {
  readonly socket: Socket;
  readonly client: Ip;
  readonly listener: string;
  /** Whether this connection has a place among those of its client address. */
  readonly countedPerClient: boolean;
  state: ConnectionState = 'sniffing';
  sinceMs: number;
  /** Bytes that had come when the connection went idle: more means a head has begun. */
  idleAtBytes = 0;
  readonly turns = new Turns();
  newest: Newest | null = null;
  /** Set by a drain: when to close it if it is idle. */
  closeIdleAtMs = Number.POSITIVE_INFINITY;
  /** Set by a drain: when to cut it whatever it does. */
  cutAtMs = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, client: Ip, listener: string, countedPerClient: boolean) {
    this.socket = socket;
    this.client = client;
    this.listener = listener;
    this.countedPerClient = countedPerClient;
    this.sinceMs = Date.now();
  }

  become(state: ConnectionState): void {
    this.state = state;
    this.sinceMs = Date.now();
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
