import type { HeaderChange, HeaderField } from '../../../contracts/kinds/mirror-route/config.ts';
import type { RawFields } from '../../protocols/http-fields.ts';

/**
 * The fields after a change: first `remove`, then `set`, then `add`. `set` takes the place of the
 * first field of its name and removes the others; what is not there yet comes at the end. Of two
 * that set one name the first counts, as in HTTPRoute. All other fields keep order and case, and
 * where nothing changes the array is the one that was given.
 */
export function changeFields<Fields extends RawFields>(
  fields: Fields,
  { remove, set, add }: HeaderChange,
): Fields | string[] {
  if (remove.length === 0 && set.length === 0 && add.length === 0) return fields;
  const changed: string[] = [];
  const placed = new Set<string>();
  const place = ({ name, value }: HeaderField) => {
    const lower = name.toLowerCase();
    if (!placed.has(lower)) changed.push(name, value);
    placed.add(lower);
  };

  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const lower = name.toLowerCase();
    if (remove.includes(lower)) continue;
    const replacement = set.find((field) => field.name.toLowerCase() === lower);
    if (replacement === undefined) changed.push(name, fields[at + 1] ?? '');
    else place(replacement);
  }
  for (const field of set) place(field);
  for (const { name, value } of add) changed.push(name, value);

  const untouched = set.length === 0 && add.length === 0 && changed.length === fields.length;
  return untouched ? fields : changed;
}
