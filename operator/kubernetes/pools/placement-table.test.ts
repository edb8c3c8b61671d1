import test from 'ava';
import type { Placed } from '../../control-loop/placement.ts';
import { createPlacementTable } from './placement-table.ts';

function placed(name: string, but: Partial<Placed> = {}): Placed {
  return {
    key: { kind: 'ForwardProxy', namespace: 'team-a', name },
    uid: name,
    pool: 'a',
    leftBehind: [],
    listeners: [],
    programmed: true,
    drainMs: 30_000,
    ...but,
  };
}

test('a pool is in use until the last of its resources has left it', (t) => {
  const table = createPlacementTable();
  table.place(placed('one'));
  table.place(placed('two'));
  table.place(placed('one', { pool: 'b', leftBehind: ['a'] }));
  t.deepEqual(table.pools(), ['a', 'b']);

  table.displace(placed('two').key);
  t.deepEqual(table.pools(), ['a', 'b']);
  table.place(placed('one', { pool: 'b' }));
  t.deepEqual(table.pools(), ['b']);
  table.displace(placed('one').key);

  t.deepEqual(table.pools(), []);
  t.is(table.longestDrainMs('b'), null);
});

test('the longest drain of a pool counts, also of what is leaving it', (t) => {
  const table = createPlacementTable();
  table.place(placed('one', { drainMs: 1_000 }));
  table.place(placed('two', { pool: 'b', leftBehind: ['a'], drainMs: 60_000 }));

  t.is(table.longestDrainMs('a'), 60_000);
});

test('a pool is named only when what it is asked for may have changed', (t) => {
  const table = createPlacementTable();

  t.deepEqual(table.place(placed('one')), ['a']);
  t.deepEqual(table.place(placed('one', { uid: 'new', programmed: false })), []);
  t.deepEqual(table.place(placed('one', { drainMs: 1 })), ['a', 'a']);
  t.deepEqual(table.displace(placed('one').key), ['a']);
  t.deepEqual(table.displace(placed('one').key), []);
});

test('clients are sent where the last version that has arrived is served', (t) => {
  const table = createPlacementTable();
  table.place(placed('one', { programmed: false }));
  t.is(table.get(placed('one').key)?.served, null);

  table.place(placed('one'));
  table.place(placed('one', { pool: 'b', programmed: false }));

  t.is(table.get(placed('one').key)?.served?.pool, 'a');
});

test('what is not told again is forgotten once everything has been told', (t) => {
  const table = createPlacementTable();
  table.place(placed('one'));
  table.place(placed('two', { pool: 'b' }));
  table.begin();
  table.place(placed('one'));

  t.deepEqual(table.forgetUntold(), [placed('two').key]);
  t.deepEqual(table.pools(), ['a']);
  t.deepEqual(table.forgetUntold(), []);
});
