import ipaddr from 'ipaddr.js';

/**
 * `10.20.0.0/16` for `10.20.30.40/16`: one spelling per network, so that equal ones compare equal.
 * An IPv6 network of mapped IPv4 addresses is the IPv4 network, as clients and targets are compared.
 */
export function normaliseCidr(text: string): string | null {
  const [, address = '', prefix = ''] = /^(.+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const parsed = parseAddress(address);
  const bits = Number(prefix);
  if (parsed === null || bits > parsed.toByteArray().length * 8) return null;
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() && bits >= 96) {
    return networkOf(parsed.toIPv4Address(), bits - 96);
  }
  return networkOf(parsed, bits);
}

/** `::1` for `0:0::1`; `null` unless it is an address as people write it: not `0x7f.1`, no zone. */
export function normaliseAddress(text: string): string | null {
  return parseAddress(text)?.toString() ?? null;
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  // The library also takes what inet_aton takes: octal, hexadecimal and missing parts.
  // Asked about IPv6, its check for IPv4 throws and catches: slower than all the rest.
  if (!text.includes(':')) {
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : null;
  }
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !ipaddr.IPv6.isValid(text)) return null;
  return ipaddr.IPv6.parse(text);
}

function networkOf(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}
