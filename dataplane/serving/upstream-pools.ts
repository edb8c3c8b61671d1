import { Client, type Dispatcher, Pool } from 'undici';
import type { Dial, Dialer } from '../net/dial.ts';
import type { UpstreamTls } from '../net/upstream-tls.ts';
import type { Ip } from '../protocols/ip-address.ts';
import { formatTarget, type Target } from '../protocols/target.ts';
import { watchAnswerHeads } from './answer-heads.ts';

/**
 * Kept connections for plain requests. A pool belongs to one resource at one policy version, one
 * origin, the addresses that were checked for it and the terms of its TLS: a pool that outlived its
 * policy would answer what the policy now denies.
 */
export type UpstreamPools = {
  dispatch(
    to: UpstreamRequest,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): GiveUp;
  /** The policy changed: requests under way finish, nothing new uses the old pools. */
  renew(): void;
  close(): void;
};

export type UpstreamRequest = {
  readonly target: Target;
  readonly addresses: readonly Ip[];
  readonly connectMs: number;
  /** `null`: without TLS. */
  readonly tls: UpstreamTls | null;
};

/** Stops dialling for a request that nobody waits for any more; once it is written this does nothing. */
export type GiveUp = () => void;

const maxPools = 1024;
const clientTtlMs = 60_000;
const idleMs = 30_000;
const maxHeaderBytes = 64 * 1024;

/** Only while the listeners of one socket's error run, so only the exchange on that socket can see it. */
let resetting = false;

/** Whether the answer that is being reported as complete was cut off by a reset. */
export function resetInProgress(): boolean {
  return resetting;
}

function noteReset(): void {
  resetting = true;
  queueMicrotask(() => {
    resetting = false;
  });
}

export function createUpstreamPools(dialer: Dialer): UpstreamPools {
  const pools = new Map<string, Pool>();

  function retire(key: string, pool: Pool): void {
    pools.delete(key);
    pool.close().catch(() => undefined); // its requests report their own failures
  }

  function poolOf(to: UpstreamRequest): Pool {
    const key = keyOf(to);
    const pool = pools.get(key) ?? openPool(dialer, to);
    pools.delete(key);
    pools.set(key, pool); // the most recently used stands last
    const [oldest] = pools;
    const tooMany = pools.size > maxPools || dialer.crowded();
    if (tooMany && oldest !== undefined && oldest[1] !== pool) retire(...oldest);
    return pool;
  }

  return {
    dispatch(to, options, handler) {
      poolOf(to).dispatch(options, handler);
      const client = takeChosen();
      return () => client?.giveUp();
    },
    renew() {
      for (const [key, pool] of [...pools]) retire(key, pool);
    },
    close() {
      for (const [key, pool] of [...pools]) retire(key, pool);
    },
  };
}

/** Nobody gets a connection that was made on other terms. */
function keyOf({ target, addresses, tls }: UpstreamRequest): string {
  const plain = `${formatTarget(target)} ${addresses.map(({ text }) => text).join()}`;
  return tls === null ? plain : `${plain} ${tls.key}`;
}

function openPool(dialer: Dialer, to: UpstreamRequest): Pool {
  return new Pool(`http://${formatTarget(to.target)}`, {
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
