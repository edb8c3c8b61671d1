import type { Found } from './found.ts';
import type { RankedMatch } from './matches.ts';
import { readMethods } from './matches.ts';
import { encodePath } from './paths.ts';
import { matchingWhole } from './patterns.ts';
import type { Reader } from './reader.ts';
import type { WrittenPath, WrittenValueMatch } from './written.ts';

/** `matches` of an HTTPRoute, which a MirrorRoute has too; only expressions are read differently. */
export function readHttpMatches(read: Reader, matches: Found): readonly RankedMatch[] {
  const found = read.items(matches);
  if (found.length === 0) {
    return [{ written: { path: { type: 'PathPrefix', value: '/' } }, apisix: null }];
  }
  return found.map((match) => readMatch(read, match));
}

function readMatch(read: Reader, match: Found): RankedMatch {
  read.onlyKnown(match, ['path', 'headers', 'queryParams', 'method']);
  const headers = readValues(read, match.at('headers'));
  const queryParams = readValues(read, match.at('queryParams'));
  const method = match.at('method');
  const [only = null] = readMethods(read, method.value === undefined ? method : listOf(method));
  return {
    apisix: null,
    written: {
      path: readPath(read, match.at('path')),
      ...(headers.length === 0 ? {} : { headers }),
      ...(queryParams.length === 0 ? {} : { queryParams }),
      ...(only === null ? {} : { method: only }),
    },
  };
}

/** A single value as the list it is one of. */
function listOf(found: Found): Found {
  return { value: [found.value], place: found.place, at: () => found };
}

function readPath(read: Reader, path: Found): WrittenPath {
  read.onlyKnown(path, ['type', 'value']);
  const type = read.text(path.at('type')) ?? 'PathPrefix';
  const value = read.text(path.at('value')) ?? '/';
  switch (type) {
    case 'Exact':
    case 'PathPrefix':
      return { type, value: encodePath(value) };
    case 'RegularExpression':
      return { type, value: matchingWhole(value) };
    default:
      read.refuse(path.at('type'), `"${type}" is not one of Exact, PathPrefix, RegularExpression`);
      return { type: 'PathPrefix', value };
  }
}

function readValues(read: Reader, values: Found): readonly WrittenValueMatch[] {
  return read.items(values).map((match) => {
    read.onlyKnown(match, ['type', 'name', 'value']);
    const name = read.text(match.at('name')) ?? '';
    const value = read.text(match.at('value')) ?? '';
    return match.at('type').value === 'RegularExpression'
      ? { type: 'RegularExpression', name, value: matchingWhole(value) }
      : { name, value };
  });
}
