import type { HeaderField } from '../../../contracts/kinds/mirror-route/config.ts';
import type { RawFields } from '../../protocols/http-fields.ts';

/**
 * Whether a request carries this mark: it is a copy of ours that came back. Others on the way may
 * have put their marks beside it, in a line of their own or in one list (RFC 9110 §5.3).
 */
export function carriesMark(fields: RawFields, { name, value }: HeaderField): boolean {
  const wanted = name.toLowerCase();
  for (let at = 0; at < fields.length; at += 2) {
    const candidate = fields[at] ?? '';
    if (candidate.length !== wanted.length || candidate.toLowerCase() !== wanted) continue;
    const line = (fields[at + 1] ?? '').trim();
    if (line === value || line.split(',').some((mark) => mark.trim() === value)) return true;
  }
  return false;
}
