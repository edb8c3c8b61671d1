import { isRecord } from '../../contracts/json.ts';
import type { FieldProblem } from './check-schema.ts';
import { type FieldPath, formatField } from './field-path.ts';
import type { StructuralSchema } from './structural.ts';

/** Items of a list with keys (`x-kubernetes-list-type: map`) that have the key of an earlier one. */
export function findRepeatedKeys(
  value: unknown,
  schema: StructuralSchema,
  path: FieldPath = [],
): readonly FieldProblem[] {
  if (Array.isArray(value)) return inList(value, schema, path);
  if (!isRecord(value)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    findRepeatedKeys(value[name], field, [...path, name]),
  );
}

function inList(
  list: readonly unknown[],
  { items = {}, 'x-kubernetes-list-map-keys': keys }: StructuralSchema,
  path: FieldPath,
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const seen = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    problems.push(...findRepeatedKeys(item, items, [...path, index]));
    if (keys === undefined || !isRecord(item)) continue;

    const key = JSON.stringify(keys.map((name) => item[name]));
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, index);
      continue;
    }
    const [name = ''] = keys;
    problems.push({
      field: formatField([...path, index, name]),
      message: `${JSON.stringify(item[name])} is already the ${name} of ${formatField([...path, earlier])}`,
    });
  }
  return problems;
}
