import { normaliseAddress } from './networks.ts';

/**
 * A host or `*.host` as it is compared: lower case, punycode, without the dot at the end. Otherwise
 * what is wrong with it.
 */
export function normaliseHostPattern(
  pattern: string,
): { readonly host: string } | { readonly problem: string } {
  const wildcard = pattern.startsWith('*.') ? '*.' : '';
  const name = pattern.slice(wildcard.length);
  if (name.includes('*')) {
    return {
      problem: `${show(pattern)}: "*" may only stand for all names below one, as in *.example.com`,
    };
  }
  const ascii = toAscii(name);
  if (ascii === null)
    return { problem: `${show(pattern)} is not a host name such as api.example.com` };
  if (normaliseAddress(ascii) !== null) {
    return { problem: `${show(pattern)} is an address: list it under cidrs, as ${ascii}/32` };
  }
  return { host: `${wildcard}${ascii}` };
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
