import { Pool } from 'undici';
import type { Dialer } from '../../../net/dial.ts';
import type { Ip } from '../../../protocols/ip-address.ts';
import { formatTarget, type Target } from '../../../protocols/target.ts';
import { watchAnswerHeads } from './answer-heads.ts';

/**
 * Kept connections for plain requests. A pool belongs to one resource at one policy version, one
 * origin and the addresses that were checked for it: a pool that outlived its policy would answer
 * what the policy now denies.
 */
export type UpstreamPools = {
  get(target: Target, addresses: readonly Ip[], connectMs: number): Pool;
  /** The policy changed: requests under way finish, nothing new uses the old pools. */
  renew(): void;
  close(): void;
};

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

  return {
    get(target, addresses, connectMs) {
      const key = `${formatTarget(target)} ${addresses.map(({ text }) => text).join()}`;
      const known = pools.get(key);
      if (known !== undefined) {
        pools.delete(key); // the most recently used stands last
        pools.set(key, known);
        return known;
      }
      const pool = openPool(dialer, target, addresses, connectMs);
      pools.set(key, pool);
      const oldest = pools.entries().next().value;
      if (pools.size > maxPools && oldest !== undefined) retire(...oldest);
      return pool;
    },
    renew() {
      for (const [key, pool] of [...pools]) retire(key, pool);
    },
    close() {
      for (const [key, pool] of [...pools]) retire(key, pool);
    },
  };
}

function openPool(
  dialer: Dialer,
  target: Target,
  addresses: readonly Ip[],
  timeoutMs: number,
): Pool {
  return new Pool(`http://${formatTarget(target)}`, {
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    clientTtl: clientTtlMs,
    maxHeaderSize: maxHeaderBytes,
    // Every phase of an exchange has its own time-out: exchange.ts.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, done) => {
      dialer.dial({ addresses, port: target.port, timeoutMs }, (failure, socket) => {
        if (socket === null) return done(failure ?? new Error('not dialled'), null);
        socket.on('error', noteReset); // before undici's own listener
        watchAnswerHeads(socket);
        done(null, socket);
      });
    },
  });
}
