import type { MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import { readHost } from '../host-pattern.ts';
import type { FieldReader } from '../resolve-fields.ts';
import { formatAuthority, parseAuthority } from './authority.ts';

type Written = NonNullable<MirrorRouteSpec['rules'][number]['mirrors']>[number]['hostname'];

/** `field` is that of the value. */
export function readMirrorHostname(
  read: FieldReader,
  field: string,
  { mode, value }: Written,
): MirrorConfig['hostname'] {
  switch (mode) {
    case 'Preserve':
    case 'Backend':
      return { mode };
    case 'Literal':
      return { mode, value: readLiteral(read, field, value ?? '') };
    case 'Suffix':
      return { mode, value: readSuffix(read, field, value ?? '-shadow') };
  }
}

function readLiteral(read: FieldReader, field: string, value: string): string {
  const authority = parseAuthority(value);
  if (!('problem' in authority)) return formatAuthority(authority);
  read.refuse(field, authority.problem);
  return value;
}

/** What makes a host of a host: a label, an end of one, several of them. */
function readSuffix(read: FieldReader, field: string, value: string): string {
  const suffix = value.toLowerCase();
  const whole = readHost(`a${suffix}`);
  if (!('host' in whole) || whole.host !== `a${suffix}`) {
    read.refuse(field, `"${value}" behind a name is no name, as -shadow and .shadow.example are`);
  }
  return suffix;
}
