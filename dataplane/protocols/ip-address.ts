import ipaddr from 'ipaddr.js';

/**
 * An address as numbers, so that rules compare values and not spellings. IPv4-mapped IPv6
 * (`::ffff:10.0.0.1`) is folded to IPv4: it reaches the same machine.
 */
export type Ip = {
  readonly family: 4 | 6;
  /** Four 32-bit words; IPv4 uses the first. */
  readonly words: readonly [number, number, number, number];
  /** Canonical spelling (RFC 5952 for IPv6). */
  readonly text: string;
};

/** Addresses that share a prefix. */
export type Cidr = {
  readonly family: 4 | 6;
  readonly words: readonly [number, number, number, number];
  readonly prefix: number;
  readonly text: string;
};

/** Four decimal parts, or IPv6 without brackets and zone; everything else is `null`. */
export function parseIp(text: string): Ip | null {
  // Asked about IPv6, the library's check for IPv4 throws and catches: slower than all the rest.
  if (!text.includes(':')) {
    const isIpv4 = ipaddr.IPv4.isValidFourPartDecimal(text);
    return isIpv4 ? ipv4(ipaddr.IPv4.parse(text).octets) : null;
  }
  if (text.includes('%')) return null;
  const groups = text.includes('.') ? withHexTail(text) : text;
  return groups !== null && ipaddr.IPv6.isValid(groups) ? ipv6(ipaddr.IPv6.parse(groups)) : null;
}

/** `::102:304` for `::1.2.3.4`, which the library would take for `::ffff:1.2.3.4`: another address. */
function withHexTail(text: string): string | null {
  const start = text.lastIndexOf(':') + 1;
  const tail = text.slice(start);
  if (!ipaddr.IPv4.isValidFourPartDecimal(tail)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(tail).octets;
  return `${text.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** 4 or 16 bytes in network order. */
export function ipOfBytes(bytes: Uint8Array): Ip {
  const parsed = ipaddr.fromByteArray([...bytes]);
  return parsed instanceof ipaddr.IPv4 ? ipv4(parsed.octets) : ipv6(parsed);
}

/** A CIDR that was checked before it got here; `null` if it is none all the same. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', length] = text.split(/\/(.*)/s);
  const ip = parseIp(address);
  // Number('') is 0: a forgotten length would stand for every address.
  if (ip === null || (length !== undefined && !/^[0-9]{1,3}$/.test(length))) return null;
  const bits = ip.family === 4 ? 32 : 128;
  const mapped = ip.family === 4 && text.includes(':') ? 96 : 0;
  const prefix = length === undefined ? bits : Number(length) - mapped;
  if (prefix < 0 || prefix > bits) return null;
  return { family: ip.family, words: ip.words, prefix, text };
}

export function inCidr(ip: Ip, cidr: Cidr): boolean {
  if (ip.family !== cidr.family) return false;
  let left = cidr.prefix;
  for (let word = 0; left > 0; word++, left -= 32) {
    const different = (ip.words[word] ?? 0) ^ (cidr.words[word] ?? 0);
    if (left >= 32 ? different !== 0 : different >>> (32 - left) !== 0) return false;
  }
  return true;
}

export function inAny(ip: Ip, cidrs: readonly Cidr[]): boolean {
  for (const cidr of cidrs) if (inCidr(ip, cidr)) return true;
  return false;
}

/** Prefix length of the narrowest CIDR that holds `ip`; -1 if none does. */
export function longestPrefix(ip: Ip, cidrs: readonly Cidr[]): number {
  let longest = -1;
  for (const cidr of cidrs) if (cidr.prefix > longest && inCidr(ip, cidr)) longest = cidr.prefix;
  return longest;
}

function ipv4(octets: readonly number[]): Ip {
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  const word = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return { family: 4, words: [word, 0, 0, 0], text: `${a}.${b}.${c}.${d}` };
}

function ipv6(address: ipaddr.IPv6): Ip {
  if (address.isIPv4MappedAddress()) return ipv4(address.toIPv4Address().octets);
  const part = (at: number) => address.parts[at] ?? 0;
  const word = (at: number) => ((part(at) << 16) | part(at + 1)) >>> 0;
  return {
    family: 6,
    words: [word(0), word(2), word(4), word(6)],
    text: address.toRFC5952String(),
  };
}
