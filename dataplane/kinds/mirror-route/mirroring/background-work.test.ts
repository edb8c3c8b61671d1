import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { BackgroundWork } from './background-work.ts';

test('one task is done after the other, however long each waits', async (t) => {
  const work = new BackgroundWork();
  const seen: string[] = [];
  const task = (name: string, turns: number) => async () => {
    for (let turn = 0; turn < turns; turn++) {
      seen.push(name);
      await setImmediate();
    }
  };

  work.add(task('a', 3));
  work.add(task('b', 1));
  await new Promise<void>((resolve) => {
    work.add(async () => resolve());
  });

  t.deepEqual(seen, ['a', 'a', 'a', 'b']);
});

test('what comes faster than it is done is refused, and what was taken is done', async (t) => {
  const work = new BackgroundWork();
  const release = Promise.withResolvers<void>();
  let done = 0;
  const task = async () => {
    await release.promise;
    done++;
  };

  const taken = Array.from({ length: 300 }, () => work.add(task));

  t.is(taken.lastIndexOf(true), 255);
  release.resolve();
  while (!work.add(async () => undefined)) await setImmediate();
  await new Promise<void>((resolve) => {
    work.add(async () => resolve());
  });
  t.is(done, 256);
});

/** In how many turns of the loop so much was done. */
async function turnsFor(times: number, steps: number): Promise<number> {
  const work = new BackgroundWork();
  let turns = 0;
  let over = false;
  const counting = (async () => {
    for (; !over; turns++) await setImmediate();
  })();
  for (let time = 0; time < times; time++) await work.did(steps);
  over = true;
  await counting;
  return turns;
}

test('much work takes many turns of the loop, and little work no more than one', async (t) => {
  const [little, much] = [await turnsFor(10, 100), await turnsFor(400, 4096)];

  t.true(little <= 1, `${little}`);
  t.true(much >= 99, `${much}`);
});
