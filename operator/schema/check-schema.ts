import { Ajv, type ErrorObject } from 'ajv';
import { explainPattern } from './explain-pattern.ts';
import { type FieldPath, formatField, parsePointer } from './field-path.ts';
import type { StructuralSchema } from './structural.ts';
import { suggest } from './suggest.ts';

/** What is wrong with one field: what, and what to do instead. */
export type FieldProblem = { readonly field: string; readonly message: string };

export type SchemaCheck = (value: unknown) => readonly FieldProblem[];

/** The schema's own rules, all but CEL. Unknown fields are refused, where the API server drops them. */
export function compileSchema(schema: StructuralSchema): SchemaCheck {
  const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: false });
  const check = ajv.compile(jsonSchemaOf(schema));
  return (value) => {
    if (check(value)) return [];
    const errors = check.errors ?? [];
    // Of a value of the wrong type everything else is wrong too, and says nothing more.
    const mistyped = new Set(errors.filter(isOfType).map(({ instancePath }) => instancePath));
    return errors
      .filter((error) => isOfType(error) || !mistyped.has(error.instancePath))
      .map((error) => problemOf(error, value));
  };
}

/** JSON Schema says the same with other words, and knows no defaults here: they are in already. */
function jsonSchemaOf(schema: StructuralSchema): Record<string, unknown> {
  const { properties, items, default: _, description: __, nullable, ...rest } = schema;
  const type = schema['x-kubernetes-int-or-string'] === true ? ['integer', 'string'] : schema.type;
  return {
    ...rest,
    ...(type === undefined ? {} : { type }),
    ...(nullable === true ? { type: [schema.type, 'null'] } : {}),
    ...(properties === undefined
      ? {}
      : {
          additionalProperties: false,
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, jsonSchemaOf(field)]),
          ),
        }),
    ...(items === undefined ? {} : { items: jsonSchemaOf(items) }),
    ...(schema['x-kubernetes-list-type'] === 'set' ? { uniqueItems: true } : {}),
  };
}

function isOfType({ keyword }: ErrorObject): boolean {
  return keyword === 'type';
}

function problemOf(error: ErrorObject, root: unknown): FieldProblem {
  const path = parsePointer(error.instancePath, root);
  return { field: formatField([...path, ...extraStep(error)]), message: messageOf(error) };
}

/** Some errors are about a field of the value rather than the value. */
function extraStep({ keyword, params }: ErrorObject): FieldPath {
  if (keyword === 'additionalProperties') return [String(params['additionalProperty'])];
  if (keyword === 'required') return [String(params['missingProperty'])];
  if (keyword === 'uniqueItems') return [Number(params['i'])];
  return [];
}

function messageOf({ keyword, params, schema, parentSchema, data }: ErrorObject): string {
  switch (keyword) {
    case 'additionalProperties':
      return unknownField(String(params['additionalProperty']), parentSchema?.['properties']);
    case 'required':
      return 'is missing';
    case 'type':
      return wrongType(String(schema), data);
    case 'enum':
      return notListed(data, Array.isArray(schema) ? schema.map(String) : []);
    case 'pattern':
      return `${show(data)} is not ${explainPattern(String(schema))}`;
    case 'minimum':
      return `${show(data)} is too small: ${params['limit']} is the least`;
    case 'maximum':
      return `${show(data)} is too big: ${params['limit']} is the most`;
    case 'minItems':
      return 'is an empty list: list something, or leave the field out';
    case 'maxItems':
      return `has too many items: ${params['limit']} at most`;
    case 'minLength':
      return 'is empty: write something, or leave the field out';
    case 'maxLength':
      return `is too long: ${params['limit']} characters at most`;
    case 'uniqueItems':
      return `is listed twice: ${show(Array.isArray(data) ? data[Number(params['i'])] : data)}`;
    default:
      return `does not satisfy ${keyword}`;
  }
}

function unknownField(name: string, properties: unknown): string {
  const known = Object.keys(Object(properties));
  const meant = suggest(name, known);
  return meant === null
    ? `is not a known field; known here: ${known.join(', ')}`
    : `is not a known field; did you mean "${meant}"?`;
}

const typeNames: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  'integer,string': 'a whole number or text',
};

function wrongType(expected: string, data: unknown): string {
  return `must be ${typeNames[expected] ?? expected}, not ${show(data)}${quoteHint(expected, data)}`;
}

function quoteHint(expected: string, data: unknown): string {
  const looksRight =
    typeof data === 'string' && (expected === 'boolean' ? /^(true|false)$/ : /^\d+$/).test(data);
  if (looksRight && (expected === 'integer' || expected === 'boolean'))
    return ': remove the quotes';
  const isScalar = typeof data === 'number' || typeof data === 'boolean';
  return expected === 'string' && isScalar ? ': put it in quotes' : '';
}

function notListed(data: unknown, known: readonly string[]): string {
  const meant = suggest(String(data), known);
  const hint = meant === null ? '' : `; did you mean ${meant}?`;
  return `${show(data)} is not one of ${known.join(', ')}${hint}`;
}

/** A value as it can stand in a message: short, on one line. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}
