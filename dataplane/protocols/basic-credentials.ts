/** User and password of `Proxy-Authorization: Basic …`. */
export type Credentials = { readonly user: string; readonly password: string };

/** RFC 7617 §2: base64 of `user:password` in UTF-8. `null` for another scheme or anything malformed. */
export function parseBasic(value: string | null): Credentials | null {
  if (value === null || value.length > 4096) return null;
  const match = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(value.trim());
  if (match === null) return null;
  const text = decodeUtf8(Uint8Array.fromBase64(padded(match[1] ?? '')));
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon < 0) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function padded(base64: string): string {
  const standard = base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  // One left-over character cannot be decoded; four bits are no byte.
  const usable = standard.length % 4 === 1 ? standard.slice(0, -1) : standard;
  return usable.padEnd(Math.ceil(usable.length / 4) * 4, '=');
}

/** `null` when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
