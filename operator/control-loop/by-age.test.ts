import test from 'ava';
import { createTableSource } from '../../test/support/table-source.ts';
import { byAge } from './by-age.ts';

const listenOn = (port: number) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
});

test('the oldest goes first, then by name, and what is gone before all', async (t) => {
  await using source = createTableSource();
  const young = source.put('a-young', listenOn(1), { createdAt: '2026-11-20T12:00:01Z' });
  const old = source.put('b-old', listenOn(1), { createdAt: '2026-11-20T11:00:00Z' });
  const asOld = source.put('a-as-old', listenOn(1), { createdAt: '2026-11-20T11:00:00Z' });
  const gone = { ...young, name: 'z-gone' };

  t.deepEqual(byAge(source, [young, old, asOld, gone]), [gone, asOld, old, young]);
});
