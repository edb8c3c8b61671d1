import type { Socket } from 'node:net';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { UpstreamTls } from '../net/upstream-tls.ts';
import type { CheckedRoute } from '../protocols/checked-route.ts';
import type { Ip } from '../protocols/ip-address.ts';
import type { Target } from '../protocols/target.ts';
import type { RequestType } from './access-log.ts';
import type { Connection } from './connection.ts';

/** The two answers a protocol has: yes, once the upstream is there, or no. */
export type TunnelReply = {
  readonly type: Exclude<RequestType, 'plain'>;
  /** HTTP status or SOCKS reply of success and of a code, for counters. */
  readonly okStatus: number;
  statusOf(code: ErrorCode): number;
  accept(): void;
  refuse(code: ErrorCode, message: string): void;
  /** Whatever must be settled with the upstream before the yes: an HTTP upgrade asks it first. */
  readonly handshake?: (upstream: Socket, ended: HandshakeEnded) => void;
};

export type HandshakeEnded = {
  /** The client is getting an ordinary answer: nothing else can be said to it any more. */
  answering(): void;
  done: HandshakeDone;
};

/** `tunnel`: opaque from here on. `answered`: the client has an ordinary answer of this status. */
export type HandshakeDone = (
  outcome:
    | { readonly result: 'tunnel' }
    | { readonly result: 'answered'; readonly status: number; readonly sent: number }
    | { readonly result: 'failed'; readonly code: ErrorCode; readonly message: string },
) => void;

export type TunnelRequest = {
  readonly connection: Connection;
  findRoute(done: (route: CheckedRoute) => void): void;
  /**
   * Asked when other terms are in force; `null`: its addresses will be looked at under them. Without
   * it, what is open stays open.
   */
  readonly wouldBeRefused?: (addresses: readonly Ip[] | null) => boolean;
  /** Counted with what ends before its route is known. */
  readonly rule: string;
  readonly target: Target;
  /** How the target is to be spoken to; `null`: as it is. */
  readonly tls: UpstreamTls | null;
  readonly user: string | null;
  readonly method: string | null;
  readonly reply: TunnelReply;
  /** Bytes the client sent ahead: they go first, after the yes. */
  readonly early: Uint8Array;
};
