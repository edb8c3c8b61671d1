import test from 'ava';
import { createFieldReader } from '../resolve-fields.ts';
import { readHeaderChange, type WrittenHeaderChange } from './header-change.ts';

const field = (name: string) => ({ name, value: 'a' });

function refusedIn(written: WrittenHeaderChange): readonly string[] {
  const read = createFieldReader();
  readHeaderChange(read, 'modifier', written);
  const resolved = read.resolve(null);
  return 'problems' in resolved ? resolved.problems.map((problem) => problem.field) : [];
}

const refused: ReadonlyArray<readonly [written: WrittenHeaderChange, at: string]> = [
  [{ set: [field('X-A'), field('x-a')] }, 'modifier.set[1].name'],
  [{ set: [field('x-a'), field('X-A')] }, 'modifier.set[1].name'],
  [{ add: [field('x-a'), field('b'), field('X-a')] }, 'modifier.add[2].name'],
];

for (const [written, at] of refused) {
  test(`one field twice, in another case: ${JSON.stringify(written)}`, (t) => {
    t.deepEqual(refusedIn(written), [at]);
  });
}

test('a field may be removed, set and added to in one go', (t) => {
  t.deepEqual(refusedIn({ remove: ['X-A'], set: [field('x-a')], add: [field('X-a')] }), []);
});

test('names keep the case they were written in, but for those that are removed', (t) => {
  const read = createFieldReader();

  const change = readHeaderChange(read, 'modifier', { set: [field('X-A')], remove: ['X-B'] });

  t.deepEqual(change, { set: [{ name: 'X-A', value: 'a' }], add: [], remove: ['x-b'] });
});
