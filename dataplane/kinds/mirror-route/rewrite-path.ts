import type { PathChange } from '../../../contracts/kinds/mirror-route/config.ts';

/**
 * A path after a change; the query stays as it came, byte for byte. `matchedPrefix` is what
 * `findRule` said, or `prefixAfter` for a path that was changed before.
 *
 * `ReplacePrefixMatch` keeps what follows the prefix, as HTTPRoute has it: with `/foo` → `/xyz`,
 * `/foo/bar` becomes `/xyz/bar`, `/foo/` becomes `/xyz/`, `/foo` becomes `/xyz`. A slash at the end of
 * a prefix or of what is put before a path counts for nothing, and no path becomes empty.
 */
export function rewritePath(
  pathAndQuery: string,
  change: PathChange | null,
  matchedPrefix: string,
): string {
  if (change === null) return pathAndQuery;
  const mark = pathAndQuery.indexOf('?');
  const path = mark < 0 ? pathAndQuery : pathAndQuery.slice(0, mark);
  const query = mark < 0 ? '' : pathAndQuery.slice(mark);
  return (changedPath(path, change, matchedPrefix) || '/') + query;
}

function changedPath(path: string, { type, value }: PathChange, matchedPrefix: string): string {
  switch (type) {
    case 'ReplaceFullPath':
      return value;
    case 'AddPrefix':
      return withoutEndSlash(value) + path;
    case 'ReplacePrefixMatch': {
      const prefix = withoutEndSlash(matchedPrefix);
      return path.startsWith(prefix) ? withoutEndSlash(value) + path.slice(prefix.length) : path;
    }
  }
}

/** What stands where the matched prefix stood: a mirror's own change replaces that. */
export function prefixAfter(change: PathChange | null, matchedPrefix: string): string {
  switch (change?.type) {
    case undefined:
      return matchedPrefix;
    case 'AddPrefix':
      return withoutEndSlash(change.value) + matchedPrefix;
    case 'ReplaceFullPath':
    case 'ReplacePrefixMatch':
      return withoutEndSlash(change.value);
  }
}

export function withoutEndSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
