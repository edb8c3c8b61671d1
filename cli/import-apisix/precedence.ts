import { byPrecedence, compileMatch } from '../../dataplane/kinds/mirror-route/request-match.ts';
import { hostRank } from './hosts.ts';
import type { ImportedRule } from './imported-rule.ts';
import type { RankedMatch } from './matches.ts';
import type { ApisixPath } from './paths.ts';
import type { WrittenMatch } from './written.ts';

/** Two rules for one request, of which APISIX takes the first and a MirrorRoute the second. */
export type Conflict = { readonly preferred: ImportedRule; readonly other: ImportedRule };

/** A rule with its matches as they will be printed. */
export type PlacedRule = { readonly rule: ImportedRule; readonly written: readonly WrittenMatch[] };

/** Where the order of a MirrorRoute is another than that of APISIX: host, path, priority. */
export function findConflicts(rules: readonly PlacedRule[]): readonly Conflict[] {
  const ranked = rules.map(rankedMatches);
  return ranked.flatMap((one, index) =>
    ranked.slice(index + 1).flatMap((other) => conflictOf(one, other)),
  );
}

type Ranked = {
  readonly rule: ImportedRule;
  readonly matches: ReadonlyArray<{
    readonly ours: ReturnType<typeof compileMatch>;
    readonly match: RankedMatch;
  }>;
};

function rankedMatches({ rule, written }: PlacedRule): Ranked {
  return {
    rule,
    matches: rule.matches.map((match, index) => ({
      match,
      ours: compiled(written[index] ?? match.written),
    })),
  };
}

function compiled({ path, headers = [], queryParams = [], method }: WrittenMatch) {
  const exact = { type: 'Exact' } as const;
  return compileMatch({
    path,
    headers: headers.map((header) => ({ ...exact, ...header })),
    queryParams: queryParams.map((parameter) => ({ ...exact, ...parameter })),
    method: method ?? null,
  });
}

/** `one` is written before `other`. */
function conflictOf(one: Ranked, other: Ranked): readonly Conflict[] {
  const meetings = one.matches.flatMap((a) =>
    other.matches.filter((b) => mayMeet(a.match, b.match)).map((b) => ({ a, b })),
  );
  for (const { a, b } of meetings) {
    // Among equals the rule that is written first wins.
    const oursTakesOne = byPrecedence(a.ours, b.ours) <= 0;
    const wanted = leads(one.rule, other.rule, a.match, b.match);
    if (oursTakesOne && wanted.some((lead) => lead < 0)) {
      return [{ preferred: other.rule, other: one.rule }];
    }
    if (!oursTakesOne && wanted.some((lead) => lead > 0)) {
      return [{ preferred: one.rule, other: other.rule }];
    }
  }
  return [];
}

function mayMeet(
  { written: a, apisix: one }: RankedMatch,
  { written: b, apisix: two }: RankedMatch,
) {
  if (a.method !== undefined && b.method !== undefined && a.method !== b.method) return false;
  return one === null || two === null || pathsOverlap(one, two);
}

function pathsOverlap(one: ApisixPath, other: ApisixPath): boolean {
  if (one.exact && other.exact) return one.text === other.text;
  if (one.exact) return one.text.startsWith(other.text);
  if (other.exact) return other.text.startsWith(one.text);
  return one.text.startsWith(other.text) || other.text.startsWith(one.text);
}

/** By how much APISIX prefers the first, for each host that a request for both may have. */
function leads(
  one: ImportedRule,
  other: ImportedRule,
  a: RankedMatch,
  b: RankedMatch,
): readonly number[] {
  const named = [...one.hosts, ...other.hosts];
  const candidates = named.length === 0 ? [null] : named;
  return candidates.flatMap((host) => {
    const [oneRank, otherRank] = [hostRank(one.hosts, host), hostRank(other.hosts, host)];
    if (oneRank === null || otherRank === null) return [];
    if (oneRank !== otherRank) return [oneRank - otherRank];
    if (a.apisix === null || b.apisix === null) return [];
    return [pathRank(a.apisix) - pathRank(b.apisix) || one.priority - other.priority];
  });
}

function pathRank({ exact, text }: ApisixPath): number {
  return exact ? Number.MAX_SAFE_INTEGER : text.length;
}
