import type { StructuralSchema } from '../operator/schema/structural.ts';

const begin = '<!-- fields: generated from the CRD by `npm run generate` -->';
const end = '<!-- end of fields -->';

/** The page with its table of fields written anew; everything outside the markers stays. */
export function replaceReference(page: string, spec: StructuralSchema): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`no "${begin}" … "${end}"`);
  return `${before}${begin}\n\n${generateReference(spec)}\n\n${end}${after}`;
}

function generateReference(spec: StructuralSchema): string {
  const rows = fieldsOf('spec', spec).map((row) => `| ${row.join(' | ')} |`);
  return ['| field | values | default | what it does |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

type Row = readonly [field: string, values: string, byDefault: string, description: string];

function fieldsOf(path: string, { properties = {}, required = [] }: StructuralSchema): Row[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const nested = schema.type === 'array' ? (schema.items ?? {}) : schema;
    const field = `${path}.${name}${schema.type === 'array' ? '[]' : ''}`;
    const byDefault = required.includes(name) ? 'required' : defaultOf(schema);
    const row: Row = [`\`${field}\``, valuesOf(schema), byDefault, cell(schema.description ?? '')];
    return [row, ...fieldsOf(field, nested)];
  });
}

function defaultOf(schema: StructuralSchema): string {
  // What a default mapping holds stands in the rows of its fields; an empty text shows nothing.
  const isMapping = schema.type === 'object' || schema.items?.type === 'object';
  if (schema.default === undefined || schema.default === '' || isMapping) return '';
  const values = Array.isArray(schema.default) ? schema.default : [schema.default];
  return values.map((value) => `\`${String(value)}\``).join(' ');
}

function valuesOf(schema: StructuralSchema): string {
  if (schema.type === 'array') {
    const { minItems = 0, maxItems = 0 } = schema;
    return `list of ${minItems}–${maxItems}: ${valuesOf(schema.items ?? {})}`;
  }
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(' ');
  if (schema['x-kubernetes-int-or-string'] === true) {
    return schema.minimum === undefined ? 'size' : 'port or `from-to`';
  }
  if (schema.pattern?.includes('(h|m|s|ms)') === true) return 'duration';
  if (schema.pattern?.endsWith('/[0-9]{1,3}$') === true) return 'CIDR';
  if (schema.type !== 'integer') return schema.type ?? '';
  return `${schema.minimum ?? ''}–${schema.maximum ?? ''}`;
}

/** A pipe would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
