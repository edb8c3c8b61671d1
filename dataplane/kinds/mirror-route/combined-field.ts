import type { RawFields } from '../../protocols/http-fields.ts';

/**
 * The value of a field (name in lower case), or `null` if there is none. Several lines of one name
 * are one list, joined with `, ` (RFC 9110 §5.3); those of Cookie with `; ` (RFC 9113 §8.2.3).
 */
export function combinedField(fields: RawFields, name: string): string | null {
  let combined: string | null = null;
  for (let at = 0; at < fields.length; at += 2) {
    const candidate = fields[at] ?? '';
    // Most names differ in length already, which costs no lower-case copy.
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    const value = fields[at + 1] ?? '';
    const separator = name === 'cookie' ? '; ' : ', ';
    combined = combined === null ? value : combined + separator + value;
  }
  return combined;
}
