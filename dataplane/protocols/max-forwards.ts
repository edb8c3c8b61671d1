import { fieldValue, type RawFields } from './http-fields.ts';

/** How many more hops an OPTIONS or TRACE may take (RFC 9110 §7.6.2); `null`: it does not say, or not a number. */
export function maxForwards(fields: RawFields): number | null {
  const value = fieldValue(fields, 'max-forwards');
  return value !== null && /^[0-9]+$/.test(value) ? Number(value) : null;
}

/** The fields with one hop less; never invents the field, and leaves what is no number alone. */
export function oneHopLess(fields: RawFields): string[] {
  const left = maxForwards(fields);
  return fields.map((part, at) => {
    const isValue = at % 2 === 1 && (fields[at - 1] ?? '').toLowerCase() === 'max-forwards';
    return isValue && left !== null && left > 0 ? String(left - 1) : part;
  });
}
