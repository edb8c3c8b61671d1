/** User and password of `Proxy-Authorization: Basic …`. */
export type Credentials = { readonly user: string; readonly password: string };

/** RFC 7617 §2: base64 of `user:password` in UTF-8, no control characters. `null` for all else. */
export function parseBasic(value: string | null): Credentials | null {
  if (value === null || value.length > 4096) return null;
  const match = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(value.trim());
  if (match === null) return null;
  const base64 = (match[1] ?? '').replace(/=+$/, '');
  if (base64.length % 4 === 1) return null; // four bits are no byte
  const text = decodeUtf8(Uint8Array.fromBase64(base64.replaceAll('-', '+').replaceAll('_', '/')));
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon < 0 || /\p{Cc}/u.test(text)) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** `null` when the bytes are not UTF-8. Nothing is dropped: two byte strings never become one text. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
