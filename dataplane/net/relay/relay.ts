import type { Socket } from 'node:net';

/**
 * Copies both ways between two connected sockets until each side has finished sending, or it is
 * cut. A side that has sent FIN still receives. Implementations: stream-relay.ts.
 */
export type StartRelay = (client: Socket, upstream: Socket, ended: RelayEnded) => Relay;

/** Called once: `done` when both directions finished, otherwise why not. */
export type RelayEnded = (reason: RelayEnd) => void;

export type RelayEnd = 'done' | 'client_reset' | 'upstream_reset' | 'cut';

export type Relay = {
  /** The name of the implementation, for metrics. */
  readonly name: 'stream';
  /** Bytes received from the client and sent to it so far. */
  bytes(): { readonly received: number; readonly sent: number };
  /** Whether exactly one side has sent FIN. */
  halfClosed(): boolean;
  /** Destroys both sockets. Later calls do nothing. */
  cut(): void;
};
