import { type Ip, parseIp } from './ip-address.ts';

/** Where a request wants to go: one normal form for rules, DNS, caches, logs and metrics. */
export type Target = {
  /** Lower case, punycode, without trailing dot; an address in canonical spelling without brackets. */
  readonly host: string;
  readonly port: number;
  /** Not `null` if the host is an address. */
  readonly ip: Ip | null;
};

/** `host:port` as a URL or Host header writes it. */
export function formatTarget({ host, port }: Target): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The target of a CONNECT: `host:port`, nothing else (RFC 9112 §3.2.3). `null` if it is anything else. */
export function parseAuthority(text: string): Target | null {
  const colon = text.lastIndexOf(':');
  if (colon < 1 || !isUrlText(text)) return null;
  const port = parsePort(text.slice(colon + 1));
  return port === null ? null : targetOf(text.slice(0, colon), port);
}

/** An absolute-form target cut into what decides and what is passed on byte for byte (RFC 9112 §3.2.2). */
export type AbsoluteForm = {
  readonly target: Target;
  /** As received; empty when the target had none. */
  readonly pathAndQuery: string;
};

/** Why a target is refused, in words for the client. */
export type TargetProblem = { readonly problem: string };

/** `http://host[:port][/path][?query]` only. Path and query are not interpreted (RFC 9110 §7.7). */
export function parseAbsoluteForm(text: string): AbsoluteForm | TargetProblem {
  if (!/^http:\/\//i.test(text)) return { problem: schemeProblem(text) };
  if (!isUrlText(text))
    return { problem: 'the target has characters that must be percent-encoded' };
  const end = text.slice(7).search(/[/?#]/);
  const authority = end < 0 ? text.slice(7) : text.slice(7, 7 + end);
  const rest = end < 0 ? '' : text.slice(7 + end);
  if (rest.includes('#')) return { problem: 'the target has a fragment' };
  if (authority.includes('@')) return { problem: 'the target has user information' };

  const bracket = authority.lastIndexOf(']');
  const colon = authority.indexOf(':', bracket < 0 ? 0 : bracket);
  const portText = colon < 0 ? '' : authority.slice(colon + 1);
  const port = portText === '' ? 80 : parsePort(portText); // an empty port is the default (RFC 3986 §3.2.3)
  if (port === null) return { problem: 'the port of the target is not 1 to 65535' };
  const target = targetOf(colon < 0 ? authority : authority.slice(0, colon), port);
  return target === null
    ? { problem: 'the host of the target is not a host name or address' }
    : { target, pathAndQuery: rest };
}

function schemeProblem(text: string): string {
  if (text.startsWith('/') || text === '*') {
    return 'this is a proxy: the request target must be absolute (http://host/path)';
  }
  if (/^https:/i.test(text)) return 'use CONNECT for https:// targets';
  return 'only http:// targets can be forwarded';
}

/** Visible ASCII. Node hands other bytes over as Latin-1: a name in UTF-8 would become another name. */
function isUrlText(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

/** A port written in decimal, 1 to 65535; leading zeros are allowed. */
function parsePort(text: string): number | null {
  if (!/^[0-9]{1,8}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : null;
}

/** A target from a host in any spelling; `null` when it is neither a name nor an address. */
export function targetOf(rawHost: string, port: number): Target | null {
  const host = normaliseHost(rawHost);
  return host === null ? null : { host, port, ip: parseIp(host) };
}

/** Taken as it is. `0x7f` is left out: it is a number, 0.0.0.127. */
const plainName =
  /^(?=.*[a-z])(?!0x[0-9a-f]*$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * One spelling per host: case, trailing dot, punycode, and the old number forms of IPv4
 * (`0x7f.1`, `2130706433`) that some resolvers read as addresses, as WHATWG URL folds them.
 */
export function normaliseHost(raw: string): string | null {
  if (raw.length === 0 || raw.length > 255) return null;
  if (plainName.test(raw) && fits(raw)) return raw;
  if (raw.startsWith('[')) return normaliseBracketed(raw);
  // Characters that mean something in a URL would end the host early or be decoded.
  if (/[\s%/?#@\\:[\]|^<>"`{}]/.test(raw) || hasControl(raw)) return null;
  const url = URL.parse(`http://${raw}/`);
  if (url === null) return null;
  const host = url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname;
  // A URL's host may hold `*`, `,` and more; a name in DNS that anybody has does not.
  return /^[a-z0-9._-]+$/.test(host) && fits(host) ? host : null;
}

function normaliseBracketed(raw: string): string | null {
  if (!raw.endsWith(']')) return null;
  const ip = parseIp(raw.slice(1, -1));
  return ip === null || !raw.includes(':') ? null : ip.text;
}

/** RFC 1035 §2.3.4 */
function fits(host: string): boolean {
  return (
    host.length > 0 &&
    host.length <= 253 &&
    host.split('.').every((label) => label.length > 0 && label.length <= 63)
  );
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) < 0x21) return true;
  return false;
}
