import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { copyBudgetMemory, openCopyBudget, reclaimCopyBudget } from './copy-budget.ts';

const breaker = { consecutiveFailures: 2, intervalMs: 1000, openForMs: 100, maxOpenForMs: 1000 };
const single = () => openCopyBudget(copyBudgetMemory(1), 0);

function pair() {
  const memory = copyBudgetMemory(2);
  return { memory, one: openCopyBudget(memory, 0), two: openCopyBudget(memory, 1) };
}

test('places and bytes are taken up to the limit, by all threads together', (t) => {
  const { one, two } = pair();

  t.true(one.take('underWay', 1, 2));
  t.true(two.take('underWay', 1, 2));
  t.false(one.take('underWay', 1, 2));
  t.true(one.take('queued', 1, 1), 'each thing has places of its own');

  t.true(one.take('bytes', 60, 100));
  t.false(two.take('bytes', 41, 100));
  t.true(two.take('bytes', 40, 100));
  one.give('bytes', 60);
  two.give('underWay', 1);

  t.deepEqual([one.total('underWay'), one.total('queued'), one.total('bytes')], [1, 1, 40]);
});

test('more than 4 GiB cannot be held, whatever the limit', (t) => {
  const budget = single();

  t.true(budget.take('bytes', 2 ** 32 - 2, 2 ** 40));
  t.false(budget.take('bytes', 2, 2 ** 40));
  t.true(budget.take('bytes', 1, 2 ** 40));
  budget.give('bytes', 2 ** 32 - 1);

  t.is(budget.total('bytes'), 0);
});

test('a second’s worth of requests may come at once, then they come at the rate', (t) => {
  const budget = single();
  const nowMs = 1_800_000_000_000;
  const taken = (atMs: number) => {
    let requests = 0;
    while (budget.takeRequest(3, nowMs + atMs)) requests++;
    return requests;
  };

  t.deepEqual([0, 0, 333, 334, 1000, 60_000].map(taken), [3, 0, 0, 1, 2, 3]);
});

test('without a rate nothing is counted, and a clock that was set back costs a second', (t) => {
  const budget = single();
  const nowMs = 1_800_000_000_000;
  for (let requests = 0; requests < 1000; requests++) t.true(budget.takeRequest(0, nowMs));
  t.true(budget.takeRequest(1, nowMs));

  t.false(budget.takeRequest(1, nowMs - 3_600_000));
  t.true(budget.takeRequest(1, nowMs - 3_599_000));
});

test('the breaker is one for all threads, and so is its probe', (t) => {
  const { one, two } = pair();
  one.settle('failed', false, breaker, 0);
  t.is(two.admit(breaker, 0), 'all');
  two.settle('failed', false, breaker, 1);

  t.deepEqual([one.admit(breaker, 100), two.admit(breaker, 100)], ['none', 'none']);
  t.deepEqual([one.admits(breaker, 101), two.admits(breaker, 101)], ['probe', 'probe']);
  t.deepEqual([two.admit(breaker, 101), one.admit(breaker, 101)], ['probe', 'none']);

  two.settle('failed', true, breaker, 110);
  t.deepEqual([one.admit(breaker, 309), one.admit(breaker, 310)], ['none', 'probe']);
  one.settle('answered', true, breaker, 320);
  t.deepEqual([one.admit(breaker, 320), two.admit(breaker, 320)], ['all', 'all']);
});

test('a probe that says nothing of the mirror leaves the place to the next', (t) => {
  const { one, two } = pair();
  one.settle('failed', false, breaker, 0);
  one.settle('failed', false, breaker, 0);
  t.is(one.admit(breaker, 100), 'probe');

  one.settle('unknown', true, breaker, 100);

  t.is(two.admit(breaker, 100), 'probe');
  two.closeBreaker();
  t.is(one.admit(breaker, 100), 'all');
});

test('what a dead thread held can be taken again, what others hold cannot, and its probe goes to another', (t) => {
  const { memory, one, two } = pair();
  one.take('underWay', 1, 3);
  one.take('underWay', 1, 3);
  one.take('bytes', 1000, 5000);
  two.take('underWay', 1, 3);
  two.take('bytes', 24, 5000);
  one.settle('failed', false, breaker, 0);
  one.settle('failed', false, breaker, 0);
  t.is(one.admit(breaker, 100), 'probe');

  reclaimCopyBudget(memory, 0);
  reclaimCopyBudget(memory, 0);

  t.deepEqual([two.total('underWay'), two.total('bytes')], [1, 24]);
  t.is(two.admit(breaker, 101), 'probe');
});

test('who waits for a place hears of the next one, and of one that came free before', async (t) => {
  const { memory, one, two } = pair();
  const seen = two.wakes();
  t.false(one.wakeOne(), 'nobody waits yet');
  t.is(two.nextWake(seen), null);

  const wake = two.nextWake(two.wakes());
  t.true(one.wakeOne());
  await wake;

  const released = [one, two].map((budget) => budget.nextWake(budget.wakes()));
  one.wakeAll();
  await Promise.all(released);

  const reclaimed = two.nextWake(two.wakes());
  reclaimCopyBudget(memory, 0);
  await reclaimed;
  t.pass();
});

const module = join(import.meta.dirname, 'copy-budget.ts');
const program = `
  import { workerData, parentPort } from 'node:worker_threads';
  const { openCopyBudget } = await import(${JSON.stringify(module)});
  const { memory, worker, rounds, limit, breaker, perSecond, nowMs } = workerData;
  const budget = openCopyBudget(memory, worker);
  let [tooMany, requests, probes] = [0, 0, 0];
  parentPort.postMessage('started');
  for (let round = 0; round < rounds; round++) {
    if (budget.take('underWay', 1, limit)) {
      if (budget.total('underWay') > limit) tooMany++;
      if (budget.take('bytes', 1000 + worker, 1e9)) budget.give('bytes', 1000 + worker);
      budget.give('underWay', 1);
    }
    if (budget.takeRequest(perSecond, nowMs)) requests++;
    const admitted = budget.admit(breaker, nowMs);
    if (admitted === 'probe') probes++;
  }
  parentPort.postMessage({ tooMany, requests, probes });
`;

/** A thread that takes and gives as fast as it can; says `started`, then what it got. */
function hammer(t: ExecutionContext, workerData: Readonly<Record<string, unknown>>): Worker {
  const settings = { limit: 2, breaker, perSecond: 5000, nowMs: 1_800_000_000_000, ...workerData };
  const worker = new Worker(program, {
    eval: true,
    execArgv: ['--input-type=module'],
    workerData: settings,
  });
  t.teardown(() => worker.terminate());
  return worker;
}

test('threads that account at the same time lose nothing and get no more than there is', async (t) => {
  const memory = copyBudgetMemory(3);
  const mine = openCopyBudget(memory, 2);
  mine.take('bytes', 77, 100);
  mine.settle('failed', false, breaker, 0);
  mine.settle('failed', false, breaker, 0);

  const threads = [0, 1].map((worker) => hammer(t, { memory, worker, rounds: 100_000 }));
  const results = await Promise.all(
    threads.map(async (thread) => {
      await once(thread, 'message');
      const [result] = await once(thread, 'message');
      return result;
    }),
  );

  const sum = (what: string) => results.reduce((total, result) => total + result[what], 0);
  t.is(sum('tooMany'), 0);
  t.is(sum('requests'), 5000);
  t.is(sum('probes'), 1);
  t.deepEqual([mine.total('underWay'), mine.total('bytes')], [0, 77]);
});

test('threads that die while they account leave nothing taken, however busy another one is', async (t) => {
  const memory = copyBudgetMemory(4);
  const mine = openCopyBudget(memory, 3);
  mine.take('bytes', 77, 100);
  const start = async (worker: number) => {
    const thread = hammer(t, { memory, worker, rounds: Number.MAX_SAFE_INTEGER });
    await once(thread, 'message');
    return thread;
  };
  const busy = await start(2);

  for (let deaths = 0; deaths < 8; deaths++) {
    const threads = await Promise.all([0, 1].map(start));
    await Promise.all(threads.map((thread) => thread.terminate()));
    reclaimCopyBudget(memory, 0);
    reclaimCopyBudget(memory, 1);
  }
  await busy.terminate();
  reclaimCopyBudget(memory, 2);

  t.deepEqual([mine.total('underWay'), mine.total('bytes')], [0, 77]);
});
