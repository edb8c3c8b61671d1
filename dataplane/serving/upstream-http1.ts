import { Client, type Dispatcher, Pool } from 'undici';
import type { Dial, Dialer } from '../net/dial.ts';
import { formatTarget } from '../protocols/target.ts';
import { watchAnswerHeads } from './answer-heads.ts';
import { Http2Call } from './http2-call.ts';
import type { Upstream, UpstreamRequest } from './upstream-pools.ts';

const clientTtlMs = 60_000;
const idleMs = 30_000;
const maxHeaderBytes = 64 * 1024;

/** Only while the listeners of one socket's error run, so only the exchange on that socket can see it. */
let resetting = false;

/** Whether the answer that is being reported as complete was cut off by a reset. */
export function wasReset(controller: Dispatcher.DispatchController): boolean {
  return resetting && !(controller instanceof Http2Call); // whose ends are what they seem
}

function noteReset(): void {
  resetting = true;
  queueMicrotask(() => {
    resetting = false;
  });
}

/** Each connection is for one request at a time. */
export function openHttp1Upstream(dialer: Dialer, to: UpstreamRequest): Upstream {
  const pool = new Pool(`http://${formatTarget(to.target)}`, {
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    clientTtl: clientTtlMs,
    maxHeaderSize: maxHeaderBytes,
    // Every phase of an exchange has its own time-out: exchange.ts.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (origin, options) => new UpstreamClient(origin, options, dialer, to),
  });
  return {
    dispatch(options, handler) {
      pool.dispatch(options, handler);
      const client = takeChosen();
      return () => client?.giveUp();
    },
    retire() {
      pool.close().catch(() => undefined);
    },
  };
}

/** Whom the pool gave the request that is being dispatched: it does so before it returns. */
let chosen: UpstreamClient | null = null;

function takeChosen(): UpstreamClient | null {
  const client = chosen;
  chosen = null;
  return client;
}

/** One connection of a pool, for one request at a time. */
class UpstreamClient extends Client {
  #dial: Dial | null = null;
  #failed: ((error: Error) => void) | null = null;

  constructor(origin: URL, options: object, dialer: Dialer, to: UpstreamRequest) {
    super(origin, {
      ...options,
      connect: (_options, done) => {
        const { addresses, target, connectMs: timeoutMs, tls } = to;
        const request = { addresses, port: target.port, timeoutMs, tls };
        this.#failed = (error) => done(error, null);
        this.#dial = dialer.dial(request, (failure, socket) => {
          this.#dial = null;
          if (socket === null) return done(failure ?? new Error('not dialled'), null);
          // Before undici's own listener. An error of TLS does not end its socket: without this the
          // end that comes next would be the end of the answer, and a good one.
          socket.on('error', (error) => {
            noteReset();
            socket.destroy(error);
          });
          watchAnswerHeads(socket);
          done(null, socket);
        });
      },
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
    chosen = this;
    return super.dispatch(options, handler);
  }

  giveUp(): void {
    if (this.#dial === null) return;
    this.#dial.abort();
    this.#dial = null;
    this.#failed?.(new Error('nobody waits for this connection any more'));
  }
}
