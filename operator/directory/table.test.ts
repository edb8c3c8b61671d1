import test from 'ava';
import type { Entry } from './read-file.ts';
import { keyOf, mergeFiles, type Table, updateTable } from './table.ts';

function secret(name: string, fingerprint = 'v1', file = 'a.yaml'): Entry {
  const where = { namespace: 'default', name, file, line: 1, nameLine: 3 };
  const found = { found: true, fields: {} } as const;
  return { type: 'secret', kind: 'Secret', ...where, fingerprint, secret: found };
}

const files = (...entries: readonly Entry[]) =>
  new Map(entries.map((entry) => [keyOf(entry), entry]));

const names = (entries: readonly Entry[]) => entries.map(({ name }) => name);

function given(...entries: readonly Entry[]): Table {
  return updateTable(new Map(), files(...entries), true, 0).table;
}

test('what is new and what changed is told, what is the same is not', (t) => {
  const table = given(secret('same'), secret('edited'));

  const update = updateTable(
    table,
    files(secret('same'), secret('edited', 'v2'), secret('new')),
    true,
    10,
  );

  t.deepEqual(names(update.changed), ['edited', 'new']);
  t.is(update.lookAgainInMs, null);
});

test('what is missing is doubted first and believed on a second look', (t) => {
  const first = updateTable(given(secret('a'), secret('b')), files(secret('a')), true, 1000);
  const tooSoon = updateTable(first.table, files(secret('a')), true, 1100);
  const second = updateTable(tooSoon.table, files(secret('a')), true, 1250);

  t.deepEqual([names(first.changed), names(first.doubted), first.lookAgainInMs], [[], ['b'], 250]);
  t.is(tooSoon.lookAgainInMs, 150);
  t.true(tooSoon.table.has('Secret/default/b'));
  t.deepEqual(names(second.changed), ['b']);
  t.false(second.table.has('Secret/default/b'));
});

test('what comes back was never gone', (t) => {
  const first = updateTable(given(secret('a')), files(), true, 1000);
  const back = updateTable(first.table, files(secret('a')), true, 1100);
  const again = updateTable(back.table, files(), true, 1300);

  t.deepEqual(names(back.changed), []);
  t.is(again.lookAgainInMs, 250);
});

test('nothing goes while a part cannot be read, and the wait begins anew after that', (t) => {
  const first = updateTable(given(secret('a')), files(), true, 1000);
  const unreadable = updateTable(first.table, files(secret('b')), false, 2000);
  const readable = updateTable(unreadable.table, files(secret('b')), true, 3000);

  t.deepEqual(names(unreadable.changed), ['b']);
  t.true(unreadable.table.has('Secret/default/a'));
  t.deepEqual(names(readable.doubted), ['a']);
});

test('of two with one name the first is served and the other is a problem', (t) => {
  const one = { entries: [secret('a')], problems: [], incomplete: false };
  const other = { entries: [secret('a', 'v2', 'b.yaml')], problems: [], incomplete: false };

  const { entries, problems } = mergeFiles([one, other]);

  t.is(entries.get('Secret/default/a')?.file, 'a.yaml');
  t.deepEqual(problems, [
    {
      file: 'b.yaml',
      line: 3,
      field: 'metadata.name',
      message: 'Secret/default/a is written twice; a.yaml:3 is served, this one is not',
    },
  ]);
});
