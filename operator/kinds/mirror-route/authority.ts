import { readHost } from '../host-pattern.ts';
import { normaliseAddress } from '../networks.ts';

export type Authority = {
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  /** `null`: none is written. */
  readonly port: number | null;
};

/** `host[:port]` (RFC 3986 §3.2), or what is wrong with it, for the person who wrote it. */
export function parseAuthority(text: string): Authority | { readonly problem: string } {
  const parts = /^(?:\[([^[\]]*)\]|([^[\]:]+))(?::([0-9]{1,5}))?$/.exec(text);
  if (parts === null) return { problem: `"${text}" is not a host, with or without port` };
  const [, bracketed, name = '', digits] = parts;
  const port = digits === undefined ? null : Number(digits);
  if (port !== null && (port < 1 || port > 65_535)) {
    return { problem: `"${digits}" is not a port from 1 to 65535` };
  }
  const host = bracketed === undefined ? hostOf(name) : ipv6Of(bracketed);
  return typeof host === 'string' ? { host, port } : host;
}

function ipv6Of(text: string): string | { readonly problem: string } {
  const address = text.includes(':') ? normaliseAddress(text) : null;
  return address ?? { problem: `"[${text}]" is not an IPv6 address such as [2001:db8::1]` };
}

function hostOf(name: string): string | { readonly problem: string } {
  const read = readHost(name);
  if ('host' in read) return read.host;
  if ('problem' in read) return read;
  if (read.address === name) return name;
  return {
    problem: `"${name}" is an address, written so that it does not look like one: write ${read.address}`,
  };
}

/** Brackets around IPv6, and the port if there is one. */
export function formatAuthority({ host, port }: Authority): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === null ? bracketed : `${bracketed}:${port}`;
}
