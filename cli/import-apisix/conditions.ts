import type { Found, Placed } from './found.ts';
import { matchingWhole, oneOf } from './patterns.ts';
import type { Reader } from './reader.ts';
import type { WrittenValueMatch } from './written.ts';

/** A condition of a route on something of the request, whichever way it was written. */
export type Condition = {
  readonly where: Placed;
  /** A variable of nginx: `http_x_user`, `arg_user`, `uri`, … */
  readonly variable: string;
  /** As the Admin API writes it. */
  readonly operator: string;
  readonly values: readonly string[];
};

export type Conditions = {
  readonly headers: readonly WrittenValueMatch[];
  readonly queryParams: readonly WrittenValueMatch[];
  /** A regular expression for the path; `null`: any path that the route is for. */
  readonly path: string | null;
};

/** Conditions as matches; what a MirrorRoute cannot ask of a request is refused. */
export function readConditions(read: Reader, conditions: readonly Condition[]): Conditions {
  const headers: WrittenValueMatch[] = [];
  const queryParams: WrittenValueMatch[] = [];
  const paths: string[] = [];
  for (const condition of conditions) {
    const { where, variable } = condition;
    const test = testOf(read, condition);
    if (test === null) continue;
    const [, kind, name = ''] = /^(http|arg)_(.+)$/.exec(variable) ?? [];
    if (kind === 'http') add(read, where, headers, name.replaceAll('_', '-'), test);
    else if (kind === 'arg') add(read, where, queryParams, name, test);
    else if (variable === 'uri')
      paths.push(test.type === undefined ? oneOf([test.value]) : test.value);
    else {
      const message = `a MirrorRoute cannot ask for "${variable}": it knows headers (http_…), query parameters (arg_…), methods and paths`;
      read.refuse(where, message);
    }
  }
  const [path = null, ...others] = paths;
  if (others.length > 0) refuseSecondPath(read, conditions);
  return { headers, queryParams, path };
}

type Test = Omit<WrittenValueMatch, 'name'>;

function testOf(read: Reader, { where, operator, values }: Condition): Test | null {
  const [value = ''] = values;
  if (operator !== 'in' && values.length > 1) {
    read.refuse(where, `"${operator}" compares with one value, and ${values.length} are given`);
    return null;
  }
  switch (operator) {
    case '==':
      return { value };
    case 'in':
      return values.length === 1 ? { value } : { type: 'RegularExpression', value: oneOf(values) };
    case '~~':
      return { type: 'RegularExpression', value: matchingWhole(value) };
    case '~*':
      return { type: 'RegularExpression', value: matchingWhole(value, { ignoreCase: true }) };
    default:
      read.refuse(
        where,
        `a MirrorRoute cannot compare with "${operator}": it knows ==, ~~, ~* and in`,
      );
      return null;
  }
}

function add(
  read: Reader,
  where: Placed,
  matches: WrittenValueMatch[],
  name: string,
  { type, value }: Test,
): void {
  const isTaken = matches.some((match) => match.name.toLowerCase() === name.toLowerCase());
  if (isTaken) read.refuse(where, `a second condition on ${name}: write both as one`);
  else matches.push({ ...(type === undefined ? {} : { type }), name, value });
}

function refuseSecondPath(read: Reader, conditions: readonly Condition[]): void {
  const where = conditions.findLast(({ variable }) => variable === 'uri')?.where;
  if (where !== undefined) read.refuse(where, 'a second condition on the path: write both as one');
}

/** `vars` of the Admin API: `[["arg_user", "==", "ann"], ["http_x_key", "!", "~~", "^a"]]`. */
export function readVars(read: Reader, vars: Found): readonly Condition[] {
  return read.items(vars).flatMap((one) => {
    if (typeof one.value === 'string') {
      read.refuse(
        one,
        `conditions joined with ${one.value} cannot be carried over: write two routes`,
      );
      return [];
    }
    const parts = read.items(one);
    const [variable, ...rest] = parts;
    const value = rest.at(-1);
    if (variable === undefined || value === undefined || rest.length < 2) {
      read.refuse(one, 'is not a condition such as ["arg_user", "==", "ann"]');
      return [];
    }
    const operator = rest
      .slice(0, -1)
      .map((part) => String(part.value))
      .join('');
    return [
      { where: one, variable: read.text(variable) ?? '', operator, values: valuesOf(read, value) },
    ];
  });
}

function valuesOf(read: Reader, value: Found): readonly string[] {
  const parts = Array.isArray(value.value) ? read.items(value) : [value];
  return parts.flatMap((part) => read.label(part) ?? []);
}

/** Prefixes of variables by the scope of an expression. */
const prefixes: Readonly<Record<string, string>> = {
  Header: 'http_',
  Query: 'arg_',
  Cookie: 'cookie_',
  Path: 'uri',
  Variable: '',
};

const operators: Readonly<Record<string, string>> = {
  Equal: '==',
  RegexMatch: '~~',
  RegexMatchCaseInsensitive: '~*',
  In: 'in',
};

/** `match.exprs` of an ApisixRoute. */
export function readExprs(read: Reader, exprs: Found): readonly Condition[] {
  return read.items(exprs).flatMap((one) => {
    read.onlyKnown(one, ['subject', 'op', 'value', 'set']);
    const subject = one.at('subject');
    const scope = read.text(subject.at('scope')) ?? '';
    const prefix = Object.hasOwn(prefixes, scope) ? prefixes[scope] : undefined;
    if (prefix === undefined) {
      read.refuse(subject, `"${scope}" is not one of ${Object.keys(prefixes).join(', ')}`);
      return [];
    }
    const name = scope === 'Path' ? '' : (read.text(subject.at('name')) ?? '');
    const op = read.text(one.at('op')) ?? '';
    const operator = Object.hasOwn(operators, op) ? (operators[op] ?? op) : op;
    const values = operator === 'in' ? read.texts(one.at('set')) : valuesOf(read, one.at('value'));
    return [{ where: one, variable: prefix + name, operator, values }];
  });
}
