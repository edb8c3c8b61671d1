import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import type { StructuralSchema } from './structural.ts';

/**
 * Fills in what a user left out, exactly like the API server: a default stands in for a field that
 * is missing or null, then defaults apply inside it; a null without a default is no field at all.
 * Values of a wrong type are left as they are, the schema check has more to say about them.
 */
export function applyDefaults(value: unknown, schema: StructuralSchema): unknown {
  if (Array.isArray(value)) return defaultItems(value, schema.items);
  if (isRecord(value)) return defaultFields(value, schema.properties ?? {});
  return value;
}

function defaultItems(items: readonly unknown[], schema: StructuralSchema | undefined): unknown {
  return schema === undefined ? items : items.map((item) => applyDefaults(item, schema));
}

function defaultFields(
  value: JsonRecord,
  properties: Readonly<Record<string, StructuralSchema>>,
): JsonRecord {
  const fields: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    if (!Object.hasOwn(properties, name)) fields.push([name, field]);
    else if (field !== null || properties[name]?.nullable === true) {
      fields.push([name, applyDefaults(field, properties[name] ?? {})]);
    }
  }
  const present = new Set(fields.map(([name]) => name));
  for (const [name, schema] of Object.entries(properties)) {
    if (schema.default === undefined || present.has(name)) continue;
    fields.push([name, applyDefaults(structuredClone(schema.default), schema)]);
  }
  return Object.fromEntries(fields);
}
