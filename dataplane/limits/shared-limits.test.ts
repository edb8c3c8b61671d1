import test from 'ava';
import { limitsMemory, openLimits, reclaimLimits } from './shared-limits.ts';

test('places are taken up to the limit, by all threads together', (t) => {
  const memory = limitsMemory(2);
  const [one, two] = [openLimits(memory, 0), openLimits(memory, 1)];

  t.true(one.take('tunnels', 2));
  t.true(two.take('tunnels', 2));
  t.false(one.take('tunnels', 2));
  t.false(two.take('tunnels', 2));
  t.true(one.take('connections', 2), 'each thing has places of its own');

  two.give('tunnels');
  t.true(one.take('tunnels', 2));
});

test('a limit that shrank lets nobody in until enough have left', (t) => {
  const limits = openLimits(limitsMemory(1), 0);
  for (let taken = 0; taken < 5; taken++) limits.take('connections', 5);

  t.false(limits.take('connections', 3));
  limits.give('connections');
  limits.give('connections');
  t.false(limits.take('connections', 3));
  limits.give('connections');
  t.true(limits.take('connections', 3));
});

test('a refusal takes nothing', (t) => {
  const limits = openLimits(limitsMemory(1), 0);
  t.true(limits.take('tunnels', 1));
  for (let tries = 0; tries < 100; tries++) t.false(limits.take('tunnels', 1));

  limits.give('tunnels');

  t.true(limits.take('tunnels', 1));
});

test('what a dead thread held can be taken again, what others hold cannot', (t) => {
  const memory = limitsMemory(2);
  const [one, two] = [openLimits(memory, 0), openLimits(memory, 1)];
  for (let taken = 0; taken < 3; taken++) one.take('connections', 4);
  two.take('connections', 4);
  one.take('tunnels', 1);

  reclaimLimits(memory, 0);
  reclaimLimits(memory, 0);

  const again = openLimits(memory, 0);
  t.deepEqual(
    [1, 2, 3, 4].map(() => again.take('connections', 4)),
    [true, true, true, false],
  );
  t.true(again.take('tunnels', 1));
});
