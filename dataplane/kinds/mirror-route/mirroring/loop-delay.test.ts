import test from 'ava';
import { watchLoopDelay } from './loop-delay.ts';

/** Keeps the thread from doing anything else. */
function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** The loop looks at its timers: that is what is measured. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

// One at a time: what blocks the thread is measured by all who watch.
test.serial(
  'a thread that is late is busy, to all who watch, until a second without',
  async (t) => {
    const [one, two] = [watchLoopDelay(), watchLoopDelay()];
    for (const watch of [one, two]) t.teardown(() => watch.close());
    await turn();
    for (let blocked = 0; blocked < 3; blocked++) {
      block(100);
      await turn();
    }

    t.true(one.busy(1000));
    t.true(two.busy(1000), 'the first who asked took nothing from the others');
    t.false(one.busy(2000), 'nothing was measured since');
  },
);

test.serial('who watches anew begins anew', async (t) => {
  const first = watchLoopDelay();
  await turn();
  block(100);
  await turn();
  first.close();

  const second = watchLoopDelay();
  t.teardown(() => second.close());

  t.false(second.busy(1000));
});
