import { normaliseAddress } from './networks.ts';

/** A host as it is compared and dialled, or what is wrong with it, for the person who wrote it. */
export type HostReading =
  /** Lower case, punycode, without the dot at the end. */
  | { readonly host: string }
  /** An address where a name may stand; in a spelling that only few programs take (`0x7f.1`), too. */
  | { readonly address: string }
  | { readonly problem: string };

/** A host, or `*.host`: every name below it. */
export function readHostPattern(pattern: string): HostReading {
  const wildcard = pattern.startsWith('*.') ? '*.' : '';
  const name = pattern.slice(wildcard.length);
  if (name.includes('*')) {
    return {
      problem: `${show(pattern)}: "*" may only stand for all names below one, as in *.example.com`,
    };
  }
  const read = readHost(name);
  return 'host' in read ? { host: `${wildcard}${read.host}` } : read;
}

/** A host by name or address, an IPv6 one without brackets. */
export function readHost(name: string): HostReading {
  const literal = normaliseAddress(name);
  if (literal !== null) return { address: literal };
  const ascii = toAscii(name);
  if (ascii === null)
    return { problem: `${show(name)} is not a host name such as api.example.com` };
  return normaliseAddress(ascii) === null ? { host: ascii } : { address: ascii };
}

/** As a URL's host is read, so that rules and requests are compared in the same form. */
function toAscii(name: string): string | null {
  // These end a URL's host or are undone in it; none belongs in a name.
  if (/[\s/:@?#%\\[\]]/.test(name)) return null;
  const host = URL.parse(`http://${name}/`)?.hostname.replace(/\.$/, '') ?? '';
  const labels = host.split('.');
  const sound = labels.every((label) => label.length >= 1 && label.length <= 63);
  return sound && host.length <= 253 ? host : null;
}

function show(pattern: string): string {
  return JSON.stringify(pattern);
}
