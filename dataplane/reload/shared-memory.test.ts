import test from 'ava';
import { sharedMemory } from './shared-memory.ts';

const of = (...budgets: readonly string[]) => ({ countsClients: false, budgets });

test('a version accounts where the one it follows does, mirror by mirror', (t) => {
  const first = sharedMemory(2, null, of('r/a', 'r/b'));
  const second = sharedMemory(2, first, of('r/b', 'r/c'));

  t.is(second.limits, first.limits);
  t.is(second.idle, first.idle);
  t.is(second.budgets['r/b'], first.budgets['r/b']);
  t.deepEqual(Object.keys(second.budgets), ['r/b', 'r/c']);
});

test('a version that was refused changes nothing for those that follow', (t) => {
  const running = sharedMemory(2, null, of('r/a'));
  sharedMemory(2, running, of('r/renamed'));

  t.is(sharedMemory(2, running, of('r/a')).budgets['r/a'], running.budgets['r/a']);
});

test('clients are counted from the version on that asks for it', (t) => {
  const without = sharedMemory(2, null, of());
  const counting = sharedMemory(2, without, { countsClients: true, budgets: [] });

  t.is(without.clients, null);
  t.not(counting.clients, null);
  t.is(sharedMemory(2, counting, of()).clients, counting.clients);
});
