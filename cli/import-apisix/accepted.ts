import type { FieldProblem } from '../../operator/schema/check-schema.ts';
import { parseField } from '../../operator/schema/field-path.ts';
import type { Validator } from '../../operator/schema/validator.ts';
import type { ImportedRule } from './imported-rule.ts';
import { findConflicts } from './precedence.ts';
import type { Reader } from './reader.ts';
import {
  type Listening,
  type RuleGroup,
  toMirrorRoute,
  writtenMatches,
} from './to-mirror-routes.ts';
import type { WrittenMirrorRoute } from './written.ts';

/**
 * The MirrorRoute of a group, without the rules that it cannot have, which are refused: those that
 * others would take requests from, and those that the validator does not let through. `null`: none
 * is left.
 */
export function acceptedRoute(
  read: Reader,
  validator: Pick<Validator, 'validate'>,
  group: RuleGroup,
  listening: Listening,
): WrittenMirrorRoute | null {
  let rules = withoutConflicts(read, group.rules);
  while (rules.length > 0) {
    const route = toMirrorRoute({ ...group, rules }, listening);
    const checked = validator.validate(route);
    if (checked.ok) return route;
    const refused = checked.problems.map((problem) => refuse(read, rules, problem));
    if (refused.includes(null)) return null;
    rules = rules.filter((rule) => !refused.includes(rule));
  }
  return null;
}

/** The rule a problem belongs to; `null`: the whole. */
function refuse(
  read: Reader,
  rules: readonly ImportedRule[],
  { field, message }: FieldProblem,
): ImportedRule | null {
  const [, list, index] = parseField(field);
  const rule = list === 'rules' && typeof index === 'number' ? rules[index] : undefined;
  const where = rule ?? rules[0];
  if (where !== undefined) {
    read.refuse(where.where, `what it becomes is no valid MirrorRoute: ${field}: ${message}`);
  }
  return rule ?? null;
}

function withoutConflicts(read: Reader, rules: readonly ImportedRule[]): readonly ImportedRule[] {
  const placed = rules.map((rule) => ({ rule, written: writtenMatches(rules, rule) }));
  const conflicts = findConflicts(placed);
  for (const { preferred, other } of conflicts) {
    const message = `requests that this rule and the one at ${other.where.place} are both for would go to that one, since a MirrorRoute looks at paths first, exact ones, then expressions such as "/a*", then the longest: give one of them another path, or import them one by one with another --port`;
    read.refuse(preferred.where, message);
  }
  const refused = new Set(conflicts.map(({ preferred }) => preferred));
  return rules.filter((rule) => !refused.has(rule));
}
