import { formatDuration } from './durations.ts';
import { hostMatch } from './hosts.ts';
import type { ImportedRule } from './imported-rule.ts';
import { resourceName, ruleNames } from './rule-names.ts';
import { defaultConnectMs, defaultIdleMs } from './upstream.ts';
import type { WrittenMatch, WrittenMirrorRoute, WrittenRule, WrittenTimeouts } from './written.ts';

/** Rules that become one MirrorRoute, in the order in which it has them. */
export type RuleGroup = { readonly namespace: string; readonly rules: readonly ImportedRule[] };

/**
 * A port belongs to one MirrorRoute, so all rules of a namespace go into one. Among rules that say
 * equally much the first one wins: those with a higher priority come first, then longer expressions.
 */
export function groupRules(rules: readonly ImportedRule[]): readonly RuleGroup[] {
  const groups = Map.groupBy(rules, ({ source }) => source.namespace);
  return Array.from(groups, ([namespace, members]) => ({
    namespace,
    rules: members.toSorted(
      (one, other) =>
        other.priority - one.priority || longestExpression(other) - longestExpression(one),
    ),
  }));
}

function longestExpression({ matches }: ImportedRule): number {
  const lengths = matches.map(({ written: { path }, apisix }) =>
    path.type === 'RegularExpression' ? (apisix?.text.length ?? 0) : 0,
  );
  return largest(lengths);
}

export type Listening = { readonly pool: string; readonly port: number };

export function toMirrorRoute(
  { namespace, rules }: RuleGroup,
  { pool, port }: Listening,
): WrittenMirrorRoute {
  const hosts = commonHosts(rules);
  const names = ruleNames(rules);
  const timeouts = commonTimeouts(rules);
  return {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'MirrorRoute',
    metadata: { name: resourceName(rules), namespace },
    spec: {
      ...(pool === 'default' ? {} : { pool }),
      listeners: [{ name: 'http', port }],
      ...(hosts === null || hosts.length === 0 ? {} : { hostnames: hosts }),
      rules: rules.map((rule, index): WrittenRule => {
        const name = names[index] ?? null;
        const matches = writtenMatches(rules, rule);
        return { ...(name === null ? {} : { name }), matches, ...rule.body };
      }),
      ...(timeouts === null ? {} : { timeouts }),
    },
  };
}

/** The hosts that every rule is for; `null`: they are for different ones. */
function commonHosts(rules: readonly ImportedRule[]): readonly string[] | null {
  const [first, ...others] = rules.map(({ hosts }) => [...hosts].sort().join(' '));
  return others.every((hosts) => hosts === first) ? (rules[0]?.hosts ?? []) : null;
}

/** A MirrorRoute has one list of hosts: rules with others each ask for theirs. */
export function writtenMatches(
  rules: readonly ImportedRule[],
  { hosts, matches }: ImportedRule,
): readonly WrittenMatch[] {
  const isCommon = commonHosts(rules) !== null || hosts.length === 0;
  return matches.map(({ written }) =>
    isCommon ? written : { ...written, headers: [hostMatch(hosts), ...(written.headers ?? [])] },
  );
}

/** Of as many as a file may hold: more than a call takes arguments. */
export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** These are one for all rules, so they are the longest of theirs. `null`: none is worth a word. */
function commonTimeouts(rules: readonly ImportedRule[]): WrittenTimeouts | null {
  const connectMs = largest(rules.map((rule) => rule.connectMs ?? defaultConnectMs));
  const idleMs = largest(rules.map((rule) => rule.idleMs));
  const timeouts = {
    ...(rules.some((rule) => rule.connectMs !== null)
      ? { connect: formatDuration(connectMs) }
      : {}),
    ...(idleMs > defaultIdleMs ? { bodyIdle: formatDuration(idleMs) } : {}),
  };
  return Object.keys(timeouts).length === 0 ? null : timeouts;
}
