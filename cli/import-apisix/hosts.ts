import type { Found } from './found.ts';
import { quote } from './patterns.ts';
import type { Reader } from './reader.ts';
import type { WrittenValueMatch } from './written.ts';

/** In lower case, as hosts are compared. */
export function readHosts(read: Reader, hosts: Found): readonly string[] {
  return read.items(hosts).flatMap((host) => readHost(read, host));
}

export function readHost(read: Reader, found: Found): readonly string[] {
  const host = read.text(found);
  if (host === null) return [];
  const name = host.startsWith('*.') ? host.slice(2) : host;
  if (name.includes('*')) {
    const message = `"${host}": "*" may only stand for all names below one, as in *.example.com`;
    read.refuse(found, message);
  }
  return [host.toLowerCase()];
}

/** The same as `spec.hostnames`, for one rule of several. */
export function hostMatch(hosts: readonly string[]): WrittenValueMatch {
  const names = hosts.map((host) =>
    host.startsWith('*.') ? `[^:]+${quote(host.slice(1))}` : quote(host),
  );
  const [only = ''] = names;
  const any = names.length === 1 ? only : `(${names.join('|')})`;
  return { type: 'RegularExpression', name: 'Host', value: `(?i)${any}\\.?(:[0-9]*)?` };
}

/**
 * How closely `hosts` name a host (or all below one): exactly, then by the longest wildcard, then any.
 * `null`: not at all.
 */
export function hostRank(hosts: readonly string[], host: string | null): number | null {
  if (hosts.length === 0) return 0;
  const ranks = hosts.flatMap((pattern) => {
    if (pattern === host) return [pattern.startsWith('*.') ? pattern.length : exactRank];
    return host !== null && isBelow(host, pattern) ? [pattern.length] : [];
  });
  return ranks.length === 0 ? null : Math.max(...ranks);
}

/** No wildcard is as long (RFC 1035 §2.3.4). */
const exactRank = 1000;

function isBelow(host: string, pattern: string): boolean {
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1));
}
