import type { Dial, Dialer } from '../net/dial.ts';
import { Http2Call } from './http2-call.ts';
import { maxStreams } from './http2-limits.ts';
import { type OpenSession, openHttp2Session } from './http2-session.ts';
import type { Upstream, UpstreamRequest } from './upstream-pools.ts';

const idleMs = 30_000;

/** Each connection is for many requests at once; another one is made when all are full. */
export function openHttp2Upstream(dialer: Dialer, to: UpstreamRequest): Upstream {
  const connections = new Set<Http2Connection>();
  const places = new WeakMap<Http2Call, Http2Connection>();
  const scheme = to.tls === null ? 'http' : 'https';

  function connectionWithRoom(): Http2Connection {
    for (const connection of connections) if (connection.hasRoom) return connection;
    const opened = new Http2Connection(dialer, to, {
      retired: () => connections.delete(opened),
      crowdedOut: place,
    });
    connections.add(opened);
    return opened;
  }

  function place(call: Http2Call): void {
    const connection = connectionWithRoom();
    places.set(call, connection);
    connection.take(call);
  }

  return {
    dispatch(options, handler) {
      const call = new Http2Call(scheme, options, handler);
      place(call);
      return () => places.get(call)?.giveUp(call);
    },
    retire() {
      for (const connection of connections) connection.retire();
    },
  };
}

type ConnectionWatch = {
  /** It takes no calls any more. */
  readonly retired: () => void;
  /** A call that waited for it, and has no room on it. */
  readonly crowdedOut: (call: Http2Call) => void;
};

class Http2Connection {
  readonly #watch: ConnectionWatch;
  readonly #dial: Dial;
  #opened: OpenSession | null = null;
  /** For the session. */
  readonly #waiting = new Set<Http2Call>();
  #open = 0;
  #retired = false;
  #idle: NodeJS.Timeout | null = null;

  constructor(dialer: Dialer, to: UpstreamRequest, watch: ConnectionWatch) {
    this.#watch = watch;
    this.#dial = openHttp2Session(dialer, to, (failure, opened) => {
      if (opened === null) this.#failed(failure ?? new Error('not dialled'));
      else this.#begin(opened);
    });
  }

  get hasRoom(): boolean {
    if (this.#retired) return false;
    if (this.#opened === null) return this.#waiting.size < maxStreams;
    const { session } = this.#opened;
    if (session.closed || session.destroyed) return false; // its close may come much later
    const { maxConcurrentStreams: theirs = maxStreams } = session.remoteSettings;
    // Who allows none at the moment gets one that waits, not a connection for each.
    return this.#open < Math.max(1, Math.min(theirs, maxStreams));
  }

  take(call: Http2Call): void {
    if (this.#opened === null) this.#waiting.add(call);
    else this.#start(call, this.#opened);
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
    this.#watch.retired();
    this.#closeIfUnused();
  }

  #begin(opened: OpenSession): void {
    const { session } = opened;
    this.#opened = opened;
    session.once('goaway', () => this.retire());
    session.once('close', () => this.retire());
    this.#idle = setTimeout(() => {
      if (this.#open === 0) this.retire();
    }, idleMs);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) {
      // One that was retired while it was dialled still serves who waited for it.
      if (this.#retired || this.hasRoom) this.#start(call, opened);
      else this.#watch.crowdedOut(call);
    }
    this.#closeIfUnused();
  }

  #start(call: Http2Call, { session, socket }: OpenSession): void {
    this.#open++;
    const { bytesRead } = socket;
    call.start(session, {
      closed: () => {
        this.#open--;
        if (this.#open === 0) this.#idle?.refresh();
        this.#closeIfUnused();
      },
      // It may have died without a word: HTTP/1 would not use it again either. A PING would tell,
      // but servers of gRPC end connections over a few of them.
      unanswered: () => {
        if (socket.bytesRead === bytesRead) this.retire();
      },
    });
  }

  /**
   * Not before: its GOAWAY would overtake a request that has just been written. And the connection,
   * too: its end alone would leave it half open for as long as the origin likes.
   */
  #closeIfUnused(): void {
    if (!this.#retired || this.#open + this.#waiting.size > 0) return;
    clearTimeout(this.#idle ?? undefined);
    const opened = this.#opened;
    if (opened === null) return;
    setImmediate(() => {
      // What was reset last has gone out by now.
      opened.session.destroy();
      opened.socket.destroy();
    });
  }

  #failed(error: Error): void {
    this.retire();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.fail(error);
  }
}
