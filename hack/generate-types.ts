import type { StructuralSchema } from '../operator/schema/structural.ts';

/** Which of the two shapes: as a user writes it, or with the defaults of the schema filled in. */
type Shape = 'asWritten' | 'defaultsApplied';

/** TypeScript types of a kind's spec. The text still wants formatting. */
export function generateTypes(kind: string, file: string, spec: StructuralSchema): string {
  return `// Generated from ${file} by \`npm run generate\`. Change that file instead.

/** What a user asks for, with the defaults of the schema filled in. */
export type ${kind}Spec = ${typeOf(spec, 'defaultsApplied')};

/** What a user writes: everything that has a default may be left out. */
export type ${kind}SpecAsWritten = ${typeOf(spec, 'asWritten')};
`;
}

function typeOf(schema: StructuralSchema, shape: Shape): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'number | string';
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join('|');
  switch (schema.type) {
    case 'object':
      return objectType(schema, shape);
    case 'array':
      return arrayOf(typeOf(schema.items ?? {}, shape));
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
      return schema.type;
    default:
      return 'unknown';
  }
}

function arrayOf(type: string): string {
  return /^\w+$/.test(type) ? `readonly ${type}[]` : `ReadonlyArray<${type}>`;
}

function objectType({ properties = {}, required = [] }: StructuralSchema, shape: Shape): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const defaulted = schema.default !== undefined && shape === 'defaultsApplied';
    const optional = required.includes(name) || defaulted ? '' : '?';
    const comment = shape === 'defaultsApplied' ? docComment(schema) : '';
    return `${comment}readonly ${name}${optional}: ${typeOf(schema, shape)};`;
  });
  return `{\n${fields.join('\n')}\n}`;
}

function docComment({ description }: StructuralSchema): string {
  if (description === undefined) return '';
  return `/**\n${wrap(description, 88)
    .map((line) => ` * ${line}\n`)
    .join('')} */\n`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
