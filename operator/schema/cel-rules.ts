import { Environment } from '@marcbachmann/cel-js';
import { isRecord } from '../../contracts/json.ts';
import type { FieldProblem } from './check-schema.ts';
import { type FieldPath, formatField, parseField } from './field-path.ts';
import type { CelRule, StructuralSchema } from './structural.ts';

export type CelCheck = (value: unknown, oldValue?: unknown) => readonly FieldProblem[];

type Rule = CelRule & { readonly holds: (self: unknown, oldSelf: unknown) => boolean };

/** The rules of one schema, and of the fields below it. */
type Rules = {
  readonly own: readonly Rule[];
  readonly properties: ReadonlyArray<readonly [name: string, rules: Rules]>;
  readonly items: Rules | null;
  readonly keys: readonly string[] | null;
};

/** The CEL rules (`x-kubernetes-validations`) of a schema, as the API server tries them. */
export function compileCel(schema: StructuralSchema): CelCheck {
  const environment = new Environment()
    .registerVariable('self', 'dyn')
    .registerVariable('oldSelf', 'dyn');
  const rules = compileRules(schema, environment);
  return (value, oldValue) => brokenIn(rules, toCel(value), toCel(oldValue), []);
}

function compileRules(schema: StructuralSchema, environment: Environment): Rules {
  return {
    own: (schema['x-kubernetes-validations'] ?? []).map((rule) => compileRule(rule, environment)),
    properties: Object.entries(schema.properties ?? {}).map(
      ([name, field]) => [name, compileRules(field, environment)] as const,
    ),
    items: schema.items === undefined ? null : compileRules(schema.items, environment),
    keys: schema['x-kubernetes-list-map-keys'] ?? null,
  };
}

function compileRule(rule: CelRule, environment: Environment): Rule {
  const evaluate = environment.parse(rule.rule);
  // A rule about the transition says nothing about a value that is new.
  const isTransition = /\boldSelf\b/.test(rule.rule);
  return {
    ...rule,
    holds: (self, oldSelf) => {
      if (isTransition && oldSelf === undefined) return true;
      return evaluate({ self, oldSelf: oldSelf ?? null }) === true;
    },
  };
}

function brokenIn(
  rules: Rules,
  value: unknown,
  oldValue: unknown,
  path: FieldPath,
): readonly FieldProblem[] {
  if (value === undefined) return [];
  const problems = rules.own.flatMap((rule) => tryRule(rule, value, oldValue, path));
  if (Array.isArray(value) && rules.items !== null) {
    for (const [index, item] of value.entries()) {
      const oldItem = correlated(item, oldValue, rules.keys);
      problems.push(...brokenIn(rules.items, item, oldItem, [...path, index]));
    }
  } else if (isRecord(value)) {
    for (const [name, field] of rules.properties) {
      const oldField = isRecord(oldValue) ? oldValue[name] : undefined;
      problems.push(...brokenIn(field, value[name], oldField, [...path, name]));
    }
  }
  return problems;
}

/** The item as it was: items of a list with keys are found again by their keys, others are not. */
function correlated(item: unknown, oldList: unknown, keys: readonly string[] | null): unknown {
  if (keys === null || !Array.isArray(oldList) || !isRecord(item)) return undefined;
  return oldList.find((old) => isRecord(old) && keys.every((key) => old[key] === item[key]));
}

function tryRule(rule: Rule, self: unknown, oldSelf: unknown, path: FieldPath): FieldProblem[] {
  const field = formatField([...path, ...parseField(rule.fieldPath ?? '')]);
  try {
    return rule.holds(self, oldSelf) ? [] : [{ field, message: rule.message }];
  } catch (error) {
    // Like the API server: a rule that cannot be evaluated does not hold.
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    return [{ field, message: `${rule.message} (${reason})` }];
  }
}

/** Whole numbers are CEL's int; JavaScript's would be a double. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toCel(field)]));
}
