import { isRecord } from './json.ts';

/** The first thing about a value that is not as it should be. */
export type ValueProblem = {
  /** `egress.rules[0].hosts` */
  readonly field: string;
  readonly problem: string;
  /** Written by a newer operator: it may be a restriction, so the configuration is not served. */
  readonly unknownField: boolean;
};

export type Check = (value: unknown, field: string) => ValueProblem | null;

export const text: Check = (value, field) =>
  typeof value === 'string' ? null : not(field, 'a string');

export const flag: Check = (value, field) =>
  typeof value === 'boolean' ? null : not(field, 'a boolean');

export const count: Check = (value, field) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? null : not(field, 'a whole number from 0 up');

export const port: Check = (value, field) =>
  count(value, field) === null && Number(value) >= 1 && Number(value) <= 65_535
    ? null
    : not(field, 'a port');

export function oneOf(...values: readonly string[]): Check {
  return (value, field) =>
    values.some((known) => known === value) ? null : not(field, `one of ${values.join(', ')}`);
}

export function listOf(item: Check): Check {
  return (value, field) => {
    if (!Array.isArray(value)) return not(field, 'a list');
    for (const [index, element] of value.entries()) {
      const problem = item(element, `${field}[${index}]`);
      if (problem !== null) return problem;
    }
    return null;
  };
}

export function nullOr(check: Check): Check {
  return (value, field) => (value === null ? null : check(value, field));
}

/** One of several forms, told apart by a field whose value is in the table. */
export function variantOf(by: string, variants: Readonly<Record<string, Check>>): Check {
  return (value, field) => {
    if (!isRecord(value)) return not(field, 'an object');
    const variant = value[by];
    const check =
      typeof variant === 'string' && Object.hasOwn(variants, variant) ? variants[variant] : null;
    if (check) return check(value, field);
    return not(within(field, by), `one of ${Object.keys(variants).join(', ')}`);
  };
}

/** An object with exactly these fields. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value, field) => {
    if (!isRecord(value)) return not(field, 'an object');
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(checks, name)) continue;
      const problem = 'is not known to this version';
      return { field: within(field, name), problem, unknownField: true };
    }
    for (const [name, check] of Object.entries(checks)) {
      const problem = check(value[name], within(field, name));
      if (problem !== null) return problem;
    }
    return null;
  };
}

function within(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}

function not(field: string, expected: string): ValueProblem {
  return { field, problem: `is not ${expected}`, unknownField: false };
}
