import type { MatchConfig, ValueMatch } from '../../../contracts/kinds/mirror-route/config.ts';
import type { RawFields } from '../../protocols/http-fields.ts';
import { combinedField } from './combined-field.ts';
import { queryParameters } from './query-parameter.ts';
import { withoutEndSlash } from './rewrite-path.ts';
import { compileValueTest, matching, type ValueTest } from './value-match.ts';
import { toWire } from './wire-text.ts';

/** What of a request decides where it goes; all of it as received. */
export type RequestTraits = {
  readonly method: string;
  /** Begins with `/`, without the query. */
  readonly path: string;
  /** Without `?`; `null`: there is none. */
  readonly query: string | null;
  readonly fields: RawFields;
};

export type RequestMatch = {
  /** The part of the path that it covers, `null`: all of it, whatever it is. */
  readonly prefix: string | null;
  readonly path: ValueTest;
  readonly method: string | null;
  readonly headers: readonly NamedTest[];
  readonly queryParams: readonly NamedTest[];
  /** Compared from left to right; the larger is tried first. */
  readonly precedence: readonly number[];
};

type NamedTest = { readonly name: string; readonly matches: ValueTest };

export function compileMatch(config: MatchConfig): RequestMatch {
  const { type, value } = config.path;
  const prefix = withoutEndSlash(value);
  const headers = namedTests(config.headers);
  const queryParams = namedTests(config.queryParams);
  return {
    prefix: type === 'PathPrefix' ? prefix : null,
    path: compilePath(config.path),
    method: config.method,
    headers,
    queryParams,
    precedence: [
      pathPrecedence[type],
      type === 'PathPrefix' ? prefix.length : 0,
      config.method === null ? 0 : 1,
      headers.length,
      queryParams.length,
    ],
  };
}

const pathPrecedence = { Exact: 2, RegularExpression: 1, PathPrefix: 0 } as const;

function compilePath({ type, value }: MatchConfig['path']): ValueTest {
  switch (type) {
    case 'Exact':
      return (path) => path === value;
    case 'RegularExpression':
      return matching(value);
    case 'PathPrefix': {
      // With its slash only whole segments count: `/foo/` is no prefix of `/foobar`.
      const prefix = withoutEndSlash(value);
      const below = `${prefix}/`;
      return (path) => path.startsWith(below) || path === prefix;
    }
  }
}

/** Of several with one name only the first counts, as in HTTPRoute. */
function namedTests(matches: readonly ValueMatch[]): readonly NamedTest[] {
  const tests = new Map<string, NamedTest>();
  for (const match of matches) {
    const name = toWire(match.name);
    if (!tests.has(name)) tests.set(name, { name, matches: compileValueTest(match) });
  }
  return [...tests.values()];
}

/** The parameters of a request's query, decoded when somebody asks for one, and once for all matches. */
export class LazyParameters {
  readonly #query: string | null;
  #parameters: ReadonlyMap<string, string> | null = null;

  constructor(query: string | null) {
    this.#query = query;
  }

  get(name: string): string | null {
    if (this.#query === null) return null;
    this.#parameters ??= queryParameters(this.#query);
    return this.#parameters.get(name) ?? null;
  }
}

export function matchesRequest(
  match: RequestMatch,
  request: RequestTraits,
  parameters = new LazyParameters(request.query),
): boolean {
  if (match.method !== null && match.method !== request.method) return false;
  if (!match.path(request.path)) return false;
  for (const { name, matches } of match.headers) {
    const value = combinedField(request.fields, name);
    if (value === null || !matches(value)) return false;
  }
  for (const { name, matches } of match.queryParams) {
    const value = parameters.get(name);
    if (value === null || !matches(value)) return false;
  }
  return true;
}

/** For sorting: what has precedence comes first. */
export function byPrecedence(one: RequestMatch, other: RequestMatch): number {
  for (const [index, value] of one.precedence.entries()) {
    const difference = (other.precedence[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return 0;
}
