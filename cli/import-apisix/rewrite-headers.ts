import type { Found } from './found.ts';
import type { Reader } from './reader.ts';
import type { WrittenField, WrittenHeaderChange } from './written.ts';

/**
 * `headers` of proxy-rewrite: `{set, add, remove}`, or as older versions had it one mapping, in which
 * an empty value takes the field away. `null`: nothing is changed.
 */
export function readRewriteHeaders(read: Reader, headers: Found): WrittenHeaderChange | null {
  const entries = read.entries(headers);
  if (entries.length === 0) return null;
  const isGrouped = entries.every(
    ([name, { value }]) => ['set', 'add', 'remove'].includes(name) && typeof value === 'object',
  );
  const change = isGrouped ? readGrouped(read, headers) : readFlat(read, entries);
  refuseRepeated(read, headers, change);
  return change;
}

type Change = Required<WrittenHeaderChange>;

function readGrouped(read: Reader, headers: Found): Change {
  const fields = (name: string) =>
    read.entries(headers.at(name)).map(([field, value]) => readField(read, field, value));
  return { set: fields('set'), add: fields('add'), remove: read.texts(headers.at('remove')) };
}

function readFlat(read: Reader, entries: ReturnType<Reader['entries']>): Change {
  const set = entries.map(([name, value]) => readField(read, name, value));
  return {
    set: set.filter(({ value }) => value !== ''),
    add: [],
    remove: set.filter(({ value }) => value === '').map(({ name }) => name),
  };
}

function readField(read: Reader, name: string, value: Found): WrittenField {
  const text = read.label(value) ?? '';
  if (/\$\w|\$\{/.test(text)) {
    read.refuse(value, `the value of ${name} has variables, which a MirrorRoute does not know`);
  }
  return { name, value: text };
}

/** APISIX adds before it removes; here it is the other way round. */
function refuseRepeated(read: Reader, headers: Found, { set, add, remove }: Change): void {
  const names = [...set, ...add].map(({ name }) => name.toLowerCase());
  const seen = new Set<string>();
  for (const name of [...names, ...remove.map((each) => each.toLowerCase())]) {
    if (seen.has(name)) read.refuse(headers, `${name} is changed in two ways: keep one of them`);
    seen.add(name);
  }
}
