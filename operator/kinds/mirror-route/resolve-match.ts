import type { MatchConfig, ValueMatch } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { FieldReader } from '../resolve-fields.ts';
import { refuseRepeatedNames } from './header-change.ts';
import { readPath } from './paths.ts';
import type { CheckPattern } from './patterns.ts';

type WrittenMatch = MirrorRouteSpec['rules'][number]['matches'][number];

export function readMatch(
  read: FieldReader,
  checkPattern: CheckPattern,
  field: string,
  { path, headers = [], queryParams = [], method }: WrittenMatch,
): MatchConfig {
  const { type, value } = path;
  if (type === 'RegularExpression') checkPattern(`${field}.path.value`, value);
  else readPath(read, `${field}.path.value`, value);

  refuseRepeatedNames(read, `${field}.headers`, headers);
  const values = (list: string, written: readonly ValueMatch[]) =>
    written.map((match, index) => readValue(checkPattern, `${field}.${list}[${index}]`, match));
  return {
    path: { type, value },
    headers: values('headers', headers).map(({ type, name, value }) => ({
      type,
      name: name.toLowerCase(),
      value,
    })),
    queryParams: values('queryParams', queryParams),
    method: method ?? null,
  };
}

function readValue(checkPattern: CheckPattern, field: string, { type, name, value }: ValueMatch) {
  if (type === 'RegularExpression') checkPattern(`${field}.value`, value);
  return { type, name, value };
}
