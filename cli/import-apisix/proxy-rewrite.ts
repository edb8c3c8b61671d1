import type { Found } from './found.ts';
import { encodePath } from './paths.ts';
import { isAbsent, type Reader } from './reader.ts';
import { readRewriteHeaders } from './rewrite-headers.ts';
import type { WrittenHeaderChange, WrittenPath } from './written.ts';

/** What a route changes of requests, as filters of a MirrorRoute can say it. */
export type Rewrite = {
  readonly path: RewrittenPath | null;
  readonly hostname: string | null;
  readonly headers: WrittenHeaderChange | null;
};

export type RewrittenPath = {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
  readonly value: string;
};

export const noRewrite: Rewrite = { path: null, hostname: null, headers: null };

const known = [
  ...['uri', 'regex_uri', 'host', 'headers', 'method', 'scheme', '_meta', 'disable'],
  // Paths go on as they came anyway.
  'use_real_request_uri_unsafe',
];

/** The plugin proxy-rewrite of a route that is for these paths. */
export function readProxyRewrite(
  read: Reader,
  config: Found,
  paths: readonly WrittenPath[],
): Rewrite {
  read.onlyKnown(config, known);
  if (!isAbsent(config.at('method'))) {
    read.refuse(config.at('method'), 'the method of requests cannot be changed');
  }
  const scheme = read.text(config.at('scheme'));
  if (scheme === 'http') {
    read.note(config.at('scheme'), 'scheme is left out: that of the upstream decides');
  } else if (scheme !== null) {
    read.refuse(config.at('scheme'), `write scheme: ${scheme} in the upstream: rules have none`);
  }
  return {
    path: readUri(read, config.at('uri')) ?? readRegexUri(read, config.at('regex_uri'), paths),
    hostname: readHost(read, config.at('host')),
    headers: readRewriteHeaders(read, config.at('headers')),
  };
}

function readUri(read: Reader, uri: Found): RewrittenPath | null {
  const text = read.text(uri);
  if (text === null) return null;
  if (/[$?]/.test(text)) {
    read.refuse(uri, 'a path with variables or a query cannot be carried over: write it as it is');
  }
  return { type: 'ReplaceFullPath', value: encodePath(text) };
}

function readHost(read: Reader, host: Found): string | null {
  const text = read.text(host);
  if (text?.includes(':')) {
    read.refuse(host, 'a Host with a port cannot be carried over: write the name alone');
  }
  return text;
}

/** Of all substitutions only that of a prefix, where the route is for that prefix. */
function readRegexUri(
  read: Reader,
  regexUri: Found,
  paths: readonly WrittenPath[],
): RewrittenPath | null {
  const [pattern, template, ...more] = read.texts(regexUri);
  if (pattern === undefined) return null;
  const substitution = prefixSubstitution(pattern, template ?? '');
  const isFor = ({ type, value }: WrittenPath) =>
    type === 'PathPrefix' && value === substitution?.prefix;
  if (substitution === null || more.length > 0 || !paths.every(isFor)) {
    const message =
      'regex_uri can be carried over where it replaces the prefix that the route is for, as ["^/shop/(.*)", "/v2/$1"] does for "/shop/*": write it so, or use uri';
    read.refuse(regexUri, message);
    return null;
  }
  return { type: 'ReplacePrefixMatch', value: substitution.replacement };
}

/** `^/shop/(.*)` and `/v2/$1`, `^/shop(/.*)` and `/v2$1`: what replaces which prefix, if it is that. */
export function prefixSubstitution(
  pattern: string,
  template: string,
): { readonly prefix: string; readonly replacement: string } | null {
  const [, prefix, slash, rest] = /^\^((?:\/[-\w~%]+)+)(\/?)\((\/?)\.\*\)\$?$/.exec(pattern) ?? [];
  const [, replacement, slashAfter] = /^((?:\/[-\w.~%]+)*)(\/?)\$1$/.exec(template) ?? [];
  if (prefix === undefined || replacement === undefined) return null;
  // What is taken away with the prefix has to come back with the replacement.
  const isWhole = slash === '/' ? rest === '' && slashAfter === '/' : slashAfter === '';
  return isWhole ? { prefix, replacement: replacement || '/' } : null;
}
