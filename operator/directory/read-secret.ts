import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import type { FieldProblem } from '../schema/check-schema.ts';
import { formatField } from '../schema/field-path.ts';
import { suggest } from '../schema/suggest.ts';

export type ReadSecret = {
  readonly fields: Readonly<Record<string, string>>;
  /** They name fields and never show what is in them. */
  readonly problems: readonly FieldProblem[];
};

const known = ['apiVersion', 'kind', 'metadata', 'type', 'immutable', 'data', 'stringData'];

/** Like the API server's: 1 MiB per Secret. */
const maxSecretBytes = 1_048_576;

/** The material of a Secret object: `data` is base64, `stringData` is as it is and wins. */
export function readSecretObject(object: unknown): ReadSecret {
  if (!isRecord(object)) return { fields: {}, problems: [] };
  const problems: FieldProblem[] = [];
  for (const field of Object.keys(object)) {
    if (known.includes(field)) continue;
    const meant = suggest(field, known);
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    problems.push({ field, message: `is not a known field${hint}` });
  }
  const decoded = readFields(object, 'data', decodeBase64, problems);
  const plain = readFields(object, 'stringData', (text) => text, problems);
  const fields = Object.fromEntries([...decoded, ...plain]);

  const size = Object.values(fields).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size > maxSecretBytes) problems.push({ field: 'data', message: 'is more than 1 MiB' });
  return { fields, problems };
}

function readFields(
  object: JsonRecord,
  section: 'data' | 'stringData',
  decode: (text: string) => string | null,
  problems: FieldProblem[],
): [string, string][] {
  const written = object[section] ?? {};
  if (!isRecord(written)) {
    problems.push({ field: section, message: 'must be a mapping of names to text' });
    return [];
  }
  return Object.entries(written).flatMap(([name, value]): [string, string][] => {
    const field = formatField([section, name]);
    const text = typeof value === 'string' ? decode(value) : null;
    if (text !== null && /^[-._a-zA-Z0-9]{1,253}$/.test(name)) return [[name, text]];
    problems.push({ field, message: fieldProblem(section, name, value) });
    return [];
  });
}

function fieldProblem(section: 'data' | 'stringData', name: string, value: unknown): string {
  if (typeof value !== 'string') return 'must be text: put it in quotes';
  if (!/^[-._a-zA-Z0-9]{1,253}$/.test(name))
    return 'may have letters, digits, "-", "_" and "." only';
  return section === 'data' ? 'is not base64 of UTF-8 text; plain text belongs in stringData' : '';
}

function decodeBase64(text: string): string | null {
  const base64 = text.replaceAll(/[\r\n]/g, '');
  if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return null;
  const decoded = Buffer.from(base64, 'base64');
  const plain = decoded.toString('utf8');
  // Bytes that are no text would come back changed.
  return Buffer.from(plain, 'utf8').equals(decoded) ? plain : null;
}
