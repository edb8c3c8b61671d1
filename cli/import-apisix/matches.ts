import type { Conditions } from './conditions.ts';
import type { Found } from './found.ts';
import { type ApisixPath, readPath } from './paths.ts';
import type { Reader } from './reader.ts';
import type { WrittenMatch, WrittenPath } from './written.ts';

/** A match, and how APISIX ranks it among others; `null`: as a MirrorRoute does. */
export type RankedMatch = {
  readonly written: WrittenMatch;
  readonly apisix: ApisixPath | null;
};

export type RankedPath = { readonly path: WrittenPath; readonly apisix: ApisixPath };

/** Paths of a route of APISIX. `/foo` beside `/foo/*` is one prefix. */
export function readPaths(read: Reader, paths: readonly Found[]): readonly RankedPath[] {
  const written = paths.map((path) => path.value);
  return paths.flatMap((path): RankedPath[] => {
    const text = read.text(path) ?? '';
    if (written.includes(`${text}/*`) || (text === '/' && written.includes('/*'))) return [];
    const result = readPath(text);
    if ('problem' in result) {
      read.refuse(path, result.problem);
      return [];
    }
    const prefix = text.slice(0, -'/*'.length);
    if (result.note !== null && !written.includes(prefix)) read.note(path, result.note);
    return [result];
  });
}

/** Methods that a match can name. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];

/** `[null]`: any method. */
export function readMethods(read: Reader, found: Found): ReadonlyArray<string | null> {
  const wanted = read.texts(found);
  if (wanted.length === 0) return [null];
  const known = wanted.filter((method) => methods.includes(method));
  const unknown = wanted.filter((method) => !methods.includes(method));
  if (known.length === 0) {
    read.refuse(
      found,
      `none of the methods ${unknown.join(', ')} can be asked for: ${methods.join(', ')} can`,
    );
  } else if (unknown.length > 0) {
    read.note(found, `${unknown.join(', ')} cannot be asked for: such requests match no more`);
  }
  return known;
}

/** Every path with every method, under all conditions. */
export function combine(
  paths: readonly RankedPath[],
  wantedMethods: ReadonlyArray<string | null>,
  { headers, queryParams }: Omit<Conditions, 'path'>,
): readonly RankedMatch[] {
  return paths.flatMap(({ path, apisix }) =>
    wantedMethods.map((method) => ({
      apisix,
      written: {
        path,
        ...(headers.length === 0 ? {} : { headers }),
        ...(queryParams.length === 0 ? {} : { queryParams }),
        ...(method === null ? {} : { method }),
      },
    })),
  );
}

/** A condition on the path takes the place of the path, if that is any. */
export function narrowPaths(
  read: Reader,
  where: Found,
  paths: readonly RankedPath[],
  pattern: string | null,
): readonly RankedPath[] {
  if (pattern === null) return paths;
  const isAny = paths.every(({ apisix }) => !apisix.exact && apisix.text === '/');
  if (!isAny) {
    read.refuse(
      where,
      'a condition on the path goes with the path "/*" only: write both as one expression',
    );
  }
  return paths.map(({ apisix }) => ({
    apisix,
    path: { type: 'RegularExpression', value: pattern },
  }));
}
