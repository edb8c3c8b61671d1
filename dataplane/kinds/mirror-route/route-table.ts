import type {
  MirrorConfig,
  MirrorRouteConfig,
  RuleConfig,
} from '../../../contracts/kinds/mirror-route/config.ts';
import { hasDotSegment } from '../../../contracts/kinds/mirror-route/dot-segments.ts';
import { compileBackends, type WeightedBackends } from './choose-backend.ts';
import {
  byPrecedence,
  compileMatch,
  LazyParameters,
  matchesRequest,
  type RequestMatch,
  type RequestTraits,
} from './request-match.ts';
import { compileSampling, type Sampling } from './sample.ts';

/** The rules of a configuration, compiled once, so that a request only compares. Immutable. */
export type RouteTable = {
  readonly entries: readonly Entry[];
  /** `false`: every match is `PathPrefix /`, and every path goes on as it came. */
  readonly pathsDecide: boolean;
};

export type Rule = {
  readonly config: RuleConfig;
  readonly backends: WeightedBackends;
  readonly mirrors: readonly Mirror[];
};

export type Mirror = { readonly config: MirrorConfig; readonly sampling: Sampling };

export type Route = {
  readonly rule: Rule;
  /** The part of the path that matched, for `rewritePath`; empty for `PathPrefix /`. */
  readonly matchedPrefix: string;
};

type Entry = {
  readonly match: RequestMatch;
  readonly rule: Rule;
  /** Made beforehand where the request does not decide what it says. */
  readonly route: Route | null;
};

export function compileRouteTable({ rules }: Pick<MirrorRouteConfig, 'rules'>): RouteTable {
  // Sorting is stable: among equals the order of writing is kept.
  const entries = rules
    .flatMap(compileEntries)
    .toSorted((one, other) => byPrecedence(one.match, other.match));
  const pathsDecide = entries.some(
    ({ match, rule }) => match.prefix !== '' || rule.config.rewrite.path !== null,
  );
  return { entries, pathsDecide };
}

function compileEntries(config: RuleConfig): readonly Entry[] {
  const rule: Rule = {
    config,
    backends: compileBackends(config.backends),
    mirrors: config.mirrors.map((mirror) => ({
      config: mirror,
      sampling: compileSampling(mirror),
    })),
  };
  return config.matches.map((matchConfig) => {
    const match = compileMatch(matchConfig);
    const route = match.prefix === null ? null : { rule, matchedPrefix: match.prefix };
    return { match, rule, route };
  });
}

/**
 * Where a request goes, `null`: no rule is for it. Precedence is that of Gateway API's HTTPRoute: an
 * exact path, then the longest prefix, then a method, then more headers, then more query parameters,
 * then the order of rules. The standard leaves open where regular expressions stand. Here they come
 * before prefixes: one is written for particular paths, as an exact path is, and prefixes catch what
 * is left. How long an expression is says nothing, so it does not count.
 *
 * Paths are compared byte for byte, as Envoy does by default, and go on as they came: neither `/%61`
 * nor `//a` is `/a`. But where paths decide, one with dot segments in any spelling finds no rule at
 * all: a backend that normalises would answer `/public/../admin` as another path than was routed.
 */
export function findRule(table: RouteTable, request: RequestTraits): Route | null {
  if (table.pathsDecide && hasDotSegment(request.path)) return null;
  const parameters = new LazyParameters(request.query);
  for (const { match, rule, route } of table.entries) {
    if (matchesRequest(match, request, parameters))
      return route ?? { rule, matchedPrefix: request.path };
  }
  return null;
}
