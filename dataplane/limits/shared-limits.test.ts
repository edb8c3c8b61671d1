import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
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

const program = `
  import { workerData, parentPort } from 'node:worker_threads';
  const { openLimits } = await import(${JSON.stringify(join(import.meta.dirname, 'shared-limits.ts'))});
  const limits = openLimits(workerData, 0);
  parentPort.postMessage('started');
  for (;;) if (limits.take('connections', 2)) limits.give('connections');
`;

test('a thread that dies while it takes and gives leaves no place taken, and none too many', async (t) => {
  const memory = limitsMemory(2);
  for (let deaths = 0; deaths < 20; deaths++) {
    const thread = new Worker(program, {
      eval: true,
      execArgv: ['--input-type=module'],
      workerData: memory,
    });
    t.teardown(() => thread.terminate());
    await once(thread, 'message');
    await thread.terminate();
    reclaimLimits(memory, 0);
  }

  const limits = openLimits(memory, 1);
  t.deepEqual(
    [1, 2, 3].map(() => limits.take('connections', 2)),
    [true, true, false],
  );
});
