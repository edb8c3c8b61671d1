import { fieldValue, type RawFields } from '../../protocols/http-fields.ts';

/** Whether a message says that it is JSON: `application/json`, or a type that ends in `+json`. */
export function isJson(fields: RawFields): boolean {
  const [type = ''] = (fieldValue(fields, 'content-type') ?? '').split(';', 1);
  return /^(application\/json|[^\s/]+\/[^\s/]+\+json)$/i.test(type.trim());
}
