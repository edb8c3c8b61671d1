import test from 'ava';
import { formatAge, formatColumns } from './columns.ts';

test('columns are as wide as their widest cell', (t) => {
  t.is(
    formatColumns(
      ['NAME', 'READY'],
      [
        ['egress', 'True'],
        ['a', ''],
      ],
    ),
    'NAME     READY\negress   True\na',
  );
});

const ages: ReadonlyArray<readonly [number, string]> = [
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [192, '3m12s'],
  [3600, '60m'],
  [7200, '2h'],
  [48 * 3600, '2d'],
];

for (const [seconds, expected] of ages) {
  test(`an age of ${seconds} seconds reads ${expected}`, (t) => {
    const from = '2026-01-01T00:00:00.000Z';

    t.is(formatAge(from, Date.parse(from) + seconds * 1000), expected);
  });
}
