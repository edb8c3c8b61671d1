import { join } from 'node:path';
import test from 'ava';
import { createValidator } from '../schema/validator.ts';
import { readDirectory } from './read-directory.ts';

const examples = join(import.meta.dirname, '../../crds/examples');

test('every example is valid', async (t) => {
  const { entries, problems } = await readDirectory([examples], createValidator());

  t.deepEqual(problems, []);
  t.true(entries.some(({ name }) => name === 'quickstart'));
  t.true(entries.every((entry) => entry.type !== 'resource' || entry.observed.valid));
});
