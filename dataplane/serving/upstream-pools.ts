import type { Dispatcher } from 'undici';
import type { Dialer } from '../net/dial.ts';
import type { UpstreamTls } from '../net/upstream-tls.ts';
import type { Ip } from '../protocols/ip-address.ts';
import { formatTarget, type Target } from '../protocols/target.ts';
import { openHttp1Upstream } from './upstream-http1.ts';
import { openHttp2Upstream } from './upstream-http2.ts';

/**
 * Kept connections for plain requests. They belong to one resource at one policy version, one
 * origin, the addresses that were checked for it, and the terms on which it is spoken to: those that
 * outlived their policy would answer what the policy now denies.
 */
export type UpstreamPools = {
  dispatch(
    to: UpstreamRequest,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): GiveUp;
  /** The policy changed: requests under way finish, nothing new uses the old connections. */
  renew(): void;
  close(): void;
};

export type UpstreamRequest = {
  readonly target: Target;
  readonly addresses: readonly Ip[];
  readonly connectMs: number;
  /** `null`: without TLS. */
  readonly tls: UpstreamTls | null;
  /** HTTP/2 is for who is known to speak it: nobody is asked. */
  readonly protocol: 'HTTP1' | 'HTTP2';
};

/** Stops dialling for a request that nobody waits for any more; once it is written this does nothing. */
export type GiveUp = () => void;

/** The kept connections to one origin. */
export type Upstream = {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): GiveUp;
  /** Requests under way finish and report their own failures; nothing new is sent. */
  retire(): void;
};

const maxUpstreams = 1024;

export function createUpstreamPools(dialer: Dialer): UpstreamPools {
  const upstreams = new Map<string, Upstream>();

  function retire(key: string, upstream: Upstream): void {
    upstreams.delete(key);
    upstream.retire();
  }

  function retireAll(): void {
    for (const [key, upstream] of [...upstreams]) retire(key, upstream);
  }

  function upstreamOf(to: UpstreamRequest): Upstream {
    const key = keyOf(to);
    const upstream = upstreams.get(key) ?? open(dialer, to);
    upstreams.delete(key);
    upstreams.set(key, upstream); // the most recently used stands last
    const [oldest] = upstreams;
    const tooMany = upstreams.size > maxUpstreams || dialer.crowded();
    if (tooMany && oldest !== undefined && oldest[1] !== upstream) retire(...oldest);
    return upstream;
  }

  return {
    dispatch: (to, options, handler) => upstreamOf(to).dispatch(options, handler),
    renew: retireAll,
    close: retireAll,
  };
}

function open(dialer: Dialer, to: UpstreamRequest): Upstream {
  return to.protocol === 'HTTP2' ? openHttp2Upstream(dialer, to) : openHttp1Upstream(dialer, to);
}

/** Nobody gets a connection that was made on other terms. */
function keyOf({ target, addresses, tls, protocol }: UpstreamRequest): string {
  const plain = `${protocol} ${formatTarget(target)} ${addresses.map(({ text }) => text).join()}`;
  return tls === null ? plain : `${plain} ${tls.key}`;
}
