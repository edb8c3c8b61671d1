import type { RawFields } from '../../protocols/http-fields.ts';
import { combinedField } from './combined-field.ts';

/**
 * The value of the first cookie of that name, as received: quotes and escapes belong to it
 * (RFC 6265 §4.1.1). Names of cookies are case-sensitive.
 */
export function cookieValue(fields: RawFields, name: string): string | null {
  const cookies = combinedField(fields, 'cookie');
  if (cookies === null) return null;
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return null;
}
