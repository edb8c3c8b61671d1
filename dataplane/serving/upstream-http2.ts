import type { ClientHttp2Session } from 'node:http2';
import type { Dial, Dialer } from '../net/dial.ts';
import { Http2Call } from './http2-call.ts';
import { openHttp2Session } from './http2-session.ts';
import type { Upstream, UpstreamRequest } from './upstream-pools.ts';

/** Requests at once over one connection, unless the origin wants fewer. */
const maxCalls = 100;
const idleMs = 30_000;

/** Each connection is for many requests at once; another one is made when all are full. */
export function openHttp2Upstream(dialer: Dialer, to: UpstreamRequest): Upstream {
  const connections = new Set<Http2Connection>();

  function connectionWithRoom(): Http2Connection {
    for (const connection of connections) if (connection.hasRoom) return connection;
    const opened = new Http2Connection(dialer, to, () => connections.delete(opened));
    connections.add(opened);
    return opened;
  }

  return {
    dispatch(options, handler) {
      const connection = connectionWithRoom();
      const scheme = to.tls === null ? 'http' : 'https';
      const call = new Http2Call(scheme, options, handler);
      connection.take(call);
      return () => connection.giveUp(call);
    },
    retire() {
      for (const connection of connections) connection.retire();
    },
  };
}

class Http2Connection {
  readonly #retiring: () => void;
  readonly #dial: Dial;
  #session: ClientHttp2Session | null = null;
  /** For the session. */
  readonly #waiting = new Set<Http2Call>();
  #open = 0;
  #retired = false;

  /** `retiring`: it takes no calls any more. */
  constructor(dialer: Dialer, to: UpstreamRequest, retiring: () => void) {
    this.#retiring = retiring;
    this.#dial = openHttp2Session(dialer, to, (failure, session) => {
      if (session === null) this.#failed(failure ?? new Error('not dialled'));
      else this.#begin(session);
    });
  }

  get hasRoom(): boolean {
    if (this.#retired || this.#session?.destroyed === true) return false; // its close comes later
    const { maxConcurrentStreams: theirs = maxCalls } = this.#session?.remoteSettings ?? {};
    // Who allows none at the moment gets one that waits, not a connection for each.
    return this.#open + this.#waiting.size < Math.max(1, Math.min(theirs, maxCalls));
  }

  take(call: Http2Call): void {
    if (this.#session === null) this.#waiting.add(call);
    else this.#start(call, this.#session);
  }

  /** Nobody waits for it any more. */
  giveUp(call: Http2Call): void {
    if (!this.#waiting.delete(call) || this.#waiting.size > 0) return;
    this.#dial.abort();
    this.retire();
  }

  /** What is under way goes on to its end. */
  retire(): void {
    this.#retired = true;
    this.#retiring();
    this.#closeIfUnused();
  }

  #begin(session: ClientHttp2Session): void {
    this.#session = session;
    session.once('goaway', () => this.retire());
    session.once('close', () => this.retire());
    session.setTimeout(idleMs, () => {
      if (this.#open === 0) this.retire();
    });
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) this.take(call);
    this.#closeIfUnused();
  }

  #start(call: Http2Call, session: ClientHttp2Session): void {
    this.#open++;
    const before = bytesRead(session);
    call.start(session, {
      closed: () => {
        this.#open--;
        this.#closeIfUnused();
      },
      // It may have died without a word: HTTP/1 would not use it again either. A PING would tell,
      // but servers of gRPC end connections over a few of them.
      unanswered: () => {
        if (bytesRead(session) === before) this.retire();
      },
    });
  }

  /** Not before: its GOAWAY would overtake a request that has just been written. */
  #closeIfUnused(): void {
    if (this.#retired && this.#open + this.#waiting.size === 0) this.#session?.close();
  }

  #failed(error: Error): void {
    this.retire();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.fail(error);
  }
}

/** Node throws on the socket of a session that has ended. */
function bytesRead(session: ClientHttp2Session): number {
  return session.destroyed ? 0 : session.socket.bytesRead;
}
