import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { importCases } from '../../test/golden/import-apisix/import-cases.ts';
import { imported } from '../../test/support/imported.ts';
import { createRandom, type Random } from '../../test/support/random.ts';

const odd: readonly unknown[] = [
  ...[null, '', 'x', '/', '/*', '*', '$1', 'http://', 0, -1, 1.5, 1e21, true, [], {}, [[]], [null]],
  ...[{ a: 1 }, ['a'], [1, '==', 2], 'constructor', '__proto__', '\u0000', 'ä'.repeat(300)],
];

/** The same with one value somewhere in it replaced, or one field named otherwise. */
function spoiled(random: Random, value: unknown): unknown {
  const isLeaf = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
  if (isLeaf || random.chance(0.1)) return odd[random.below(odd.length)];
  const keys = Object.keys(value);
  const chosen = keys[random.below(keys.length)] ?? '';
  const inside = spoiled(random, Reflect.get(value, chosen));
  if (Array.isArray(value)) return value.toSpliced(Number(chosen), 1, inside);
  const name = random.chance(0.1) ? 'other' : chosen;
  return { ...value, [chosen]: undefined, [name]: inside };
}

const texts = importCases().map(({ directory, inputs }) =>
  inputs.map((input) => readFileSync(join(directory, input), 'utf8')).join('\n---\n'),
);

test('whatever is in a file, it is imported or refused: nothing else happens', (t) => {
  const random = createRandom(7);
  let carriedOver = 0;
  for (let round = 0; round < 2000; round += 1) {
    const text = texts[random.below(texts.length)] ?? '';
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    const at = random.below(documents.length);
    const hostile = documents.with(at, spoiled(random, documents[at]));
    const input = hostile.map((document) => JSON.stringify(document)).join('\n---\n');

    const { routes, refused } = imported(input);

    if (refused.length === 0) carriedOver += 1;
    if (refused.length === 0 && routes.length === 0) t.fail(`neither: ${input}`);
  }

  t.true(carriedOver > 100 && carriedOver < 1900, `${carriedOver} of 2000 were carried over`);
});
