import type { HeaderChange, HeaderField } from '../../../contracts/kinds/mirror-route/config.ts';
import type { FieldReader } from '../resolve-fields.ts';

/** As HTTPRoute writes it. */
export type WrittenHeaderChange = {
  readonly set?: readonly HeaderField[];
  readonly add?: readonly HeaderField[];
  readonly remove?: readonly string[];
};

export const noHeaderChange: HeaderChange = { set: [], add: [], remove: [] };

export function readHeaderChange(
  read: FieldReader,
  field: string,
  { set = [], add = [], remove = [] }: WrittenHeaderChange = {},
): HeaderChange {
  refuseRepeatedNames(read, `${field}.set`, set);
  refuseRepeatedNames(read, `${field}.add`, add);
  return {
    set: set.map(nameAndValue),
    add: add.map(nameAndValue),
    remove: [...new Set(remove.map((name) => name.toLowerCase()))],
  };
}

/** Names in another case: the definition compares letter by letter, and only the first would count. */
export function refuseRepeatedNames(
  read: FieldReader,
  field: string,
  fields: ReadonlyArray<{ readonly name: string }>,
): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of fields.entries()) {
    const earlier = seen.get(name.toLowerCase());
    if (earlier === undefined) seen.set(name.toLowerCase(), index);
    else
      read.refuse(
        `${field}[${index}].name`,
        `"${name}" is the header of ${field}[${earlier}] already`,
      );
  }
}

function nameAndValue({ name, value }: HeaderField): HeaderField {
  return { name, value };
}
