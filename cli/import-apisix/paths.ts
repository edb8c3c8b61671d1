import { quote } from './patterns.ts';
import type { WrittenPath } from './written.ts';

/** How APISIX understands a path: of several that fit, an exact one wins, then the longest. */
export type ApisixPath = { readonly exact: boolean; readonly text: string };

export type ReadPath =
  | { readonly path: WrittenPath; readonly apisix: ApisixPath; readonly note: string | null }
  | { readonly problem: string };

/**
 * A path of an APISIX route, in which only a `*` at the end has a meaning: whatever follows. Behind
 * a slash that is a PathPrefix, elsewhere a regular expression, since prefixes end with segments.
 */
export function readPath(written: string): ReadPath {
  if (!written.startsWith('/')) return { problem: `"${written}" does not begin with "/"` };
  const star = written.indexOf('*');
  if (/\/:[^/]/.test(written) || (star >= 0 && star < written.length - 1)) {
    return {
      problem: `"${written}" has a parameter, which only some routers of APISIX know: write that rule by hand, with a path of type RegularExpression`,
    };
  }
  if (star < 0) {
    const value = encodePath(written);
    return { path: { type: 'Exact', value }, apisix: { exact: true, text: written }, note: null };
  }
  const text = written.slice(0, -1);
  const apisix = { exact: false, text };
  if (!text.endsWith('/')) {
    const value = `${quote(encodePath(text))}.*`;
    return { path: { type: 'RegularExpression', value }, apisix, note: null };
  }
  const value = text === '/' ? text : encodePath(text.slice(0, -1));
  const note = text === '/' ? null : `"${written}" becomes a prefix, which is for "${value}" too`;
  return { path: { type: 'PathPrefix', value }, apisix, note };
}

/** APISIX compares decoded paths, a MirrorRoute what is on the wire (RFC 3986 §3.3). */
export function encodePath(path: string): string {
  const bytes = Buffer.from(path, 'utf8');
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (/[-A-Za-z0-9/._~!$&'()*+,;=:@%]/.test(character)) return character;
    return `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }).join('');
}
