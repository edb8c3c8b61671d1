import test from 'ava';
import { carriesMark } from './mirror-mark.ts';

const mark = { name: 'X-Mirrored-By', value: 'team-a/shop' };

const marked: readonly (readonly string[])[] = [
  ['X-Mirrored-By', 'team-a/shop'],
  ['x-mirrored-by', ' team-a/shop '],
  ['Host', 'a', 'X-Mirrored-By', 'team-b/shop', 'X-MIRRORED-BY', 'team-a/shop'],
  ['X-Mirrored-By', 'team-b/shop, team-a/shop'],
  ['X-Mirrored-By', 'team-a/shop,team-b/shop'],
];

for (const fields of marked) {
  test(`${fields.join(' ')} is our mark`, (t) => t.true(carriesMark(fields, mark)));
}

const unmarked: readonly (readonly string[])[] = [
  [],
  ['X-Mirrored-By', 'team-b/shop'],
  ['X-Mirrored-By', 'team-a/shop2'],
  ['X-Mirrored-By', 'Team-A/shop'],
  ['X-Mirrored-By', ''],
  ['X-Mirrored-Via', 'team-a/shop'],
  ['A', 'X-Mirrored-By', 'team-a/shop', 'B'],
];

for (const fields of unmarked) {
  test(`"${fields.join(' ')}" is not our mark`, (t) => t.false(carriesMark(fields, mark)));
}

test('a mark that looks like a list is found as it was written', (t) => {
  t.true(carriesMark(['X-Copy', 'a, b'], { name: 'X-Copy', value: 'a, b' }));
});
