import { formatDuration, parseTime } from './durations.ts';
import type { Found } from './found.ts';
import { isAbsent, type Reader } from './reader.ts';
import { plainHttp, type Spoken, spokenBy } from './urls.ts';
import type { WeightedTarget } from './weights.ts';
import type { WrittenTarget, WrittenTls } from './written.ts';

/** Where requests of a route go, whichever way it was written. */
export type Upstream = {
  readonly nodes: readonly WeightedTarget[];
  /** The Host that backends get; `null`: that of the request. */
  readonly hostname: string | null;
  /** `null`: APISIX's defaults. */
  readonly timeouts: UpstreamTimeouts | null;
};

/** APISIX limits the pauses between two pieces that it sends or reads, not the whole. */
export type UpstreamTimeouts = {
  readonly connectMs: number;
  readonly sendMs: number;
  readonly readMs: number;
};

const defaultMs = 60_000;
export const defaultConnectMs = defaultMs;
/** Of APISIX, and of a MirrorRoute. */
export const defaultIdleMs = defaultMs;
const defaultTimeouts = { sendMs: defaultMs, readMs: defaultMs };

/** Seconds in the Admin API, `5s` in resources of Kubernetes. */
export function readTimeouts(read: Reader, timeout: Found): UpstreamTimeouts | null {
  if (isAbsent(timeout)) return null;
  read.onlyKnown(timeout, ['connect', 'send', 'read']);
  const ms = (name: string) => {
    const field = timeout.at(name);
    const text = read.label(field);
    const time = text === null ? null : parseTime(text);
    if (text !== null && time === null) read.refuse(field, `"${text}" is not a time such as 5s`);
    return time || defaultMs;
  };
  return { connectMs: ms('connect'), sendMs: ms('send'), readMs: ms('read') };
}

/** What the time-outs of an upstream come to: that of the rule, and what it wants of the resource. */
export function ruleTimeouts(timeouts: UpstreamTimeouts | null) {
  const { sendMs, readMs } = timeouts ?? defaultTimeouts;
  return {
    timeouts: { request: formatDuration(readMs) },
    connectMs: timeouts?.connectMs ?? null,
    idleMs: Math.max(sendMs, readMs),
  };
}

/** What is spoken to backends: HTTP/1.1 or HTTP/2, with TLS or without. */
export function readSpoken(read: Reader, scheme: Found): Spoken {
  const text = read.text(scheme) ?? 'http';
  const spoken = spokenBy(text);
  if (spoken?.scheme === 'https') tellChecked(read, scheme, 'backends');
  if (spoken === null) {
    read.refuse(scheme, `a MirrorRoute speaks HTTP to backends, gRPC included, and not ${text}`);
  }
  return spoken ?? plainHttp;
}

/** APISIX takes any certificate. */
export function tellChecked(read: Reader, where: Found, whose: string): void {
  read.note(
    where,
    `certificates of ${whose} are checked, which APISIX does not do: one that is for another name than that of the url needs tls.hostname, one of a private authority tls.caCertificateRefs`,
  );
}

/** How a backend is spoken to, beyond what its url says. */
export type Terms = { readonly tls: WrittenTls | null; readonly protocol: Spoken['protocol'] };

/** A name that is written for all nodes is the one that APISIX asks for in TLS. */
export function termsOf({ scheme, protocol }: Spoken, host: HostChoice, read: Reader): Terms {
  if (scheme === 'http') return { tls: null, protocol };
  const hostname = read.text(host.mode) === 'rewrite' ? read.text(host.host) : null;
  return { tls: hostname === null ? {} : { hostname }, protocol };
}

/** A url says by itself that it is TLS. */
export function onTerms(target: WrittenTarget, { tls, protocol }: Terms): WrittenTarget {
  const saysTls = tls !== null && !('url' in target && tls.hostname === undefined);
  return {
    ...target,
    ...(protocol === 'HTTP2' ? { protocol } : {}),
    ...(saysTls ? { tls } : {}),
  };
}

export function checkBalancing(read: Reader, type: Found): void {
  const text = read.text(type);
  if (text === null || text === 'roundrobin') return;
  if (text === 'chash') {
    const message =
      'requests with one key do not stay with one backend (chash): a MirrorRoute shares them out by weight';
    read.refuse(type, message);
  } else {
    read.note(type, `${text} is left out: a MirrorRoute shares requests out by weight`);
  }
}

/** Tells of fields that only change how soon a failing backend is avoided. */
export function tellLeftOut(read: Reader, upstream: Found, fields: readonly string[]): void {
  for (const name of fields) {
    const field = upstream.at(name);
    if (!isAbsent(field))
      read.note(field, `${name} is left out: a MirrorRoute has nothing like it`);
  }
}

export type HostChoice = {
  /** `pass`, `node` or `rewrite`. */
  readonly mode: Found;
  readonly host: Found;
  /** Names and addresses of all nodes. */
  readonly nodeHosts: readonly string[];
};

/** Which Host backends get. One per rule: that of each node can only be had where all have one. */
export function readHostname(read: Reader, { mode, host, nodeHosts }: HostChoice): string | null {
  switch (read.text(mode)) {
    case null:
    case 'pass':
      return null;
    case 'rewrite':
      return read.text(host);
    case 'node': {
      const [only = null, ...others] = new Set(nodeHosts);
      if (only !== null && others.length === 0) return only;
      read.refuse(
        mode,
        'the Host of each node cannot be had, since a rule has one Host for all of its backends',
      );
      return null;
    }
    default:
      read.refuse(mode, `"${String(mode.value)}" is not one of pass, node, rewrite`);
      return null;
  }
}
