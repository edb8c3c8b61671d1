import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import {
  type CopyBudget,
  copyBudgetMemory,
  openCopyBudget,
  reclaimCopyBudget,
} from '../../../limits/copy-budget.ts';
import { type Sendable, SendQueue } from './send-queue.ts';

function gauges() {
  const shown = { inflight: 0, queued: 0 };
  const gauge = (of: keyof typeof shown) => ({
    add(amount: number) {
      shown[of] += amount;
    },
  });
  return { shown, meters: { inflight: gauge('inflight'), queued: gauge('queued') } };
}

/** One thread's queue, and copies that say in `told` what happens to them. */
function thread(
  memory: SharedArrayBuffer,
  worker: number,
  limits: { readonly concurrent: number; readonly queue: number },
) {
  const budget = openCopyBudget(memory, worker);
  const { shown, meters } = gauges();
  const queue = new SendQueue(budget, meters, limits);
  const told: string[] = [];
  const copies = new Map<string, Sendable>();
  const tell = (what: string) => {
    told.push(what);
    wake.resolve();
    wake = Promise.withResolvers();
  };
  let wake = Promise.withResolvers<void>();

  return {
    budget,
    queue,
    told,
    shown,
    submit(name: string, start: (copy: Sendable) => void = () => undefined) {
      const copy: Sendable = {
        start() {
          tell(`${name} started`);
          start(copy);
        },
        skip: (reason) => tell(`${name} ${reason}`),
        sweep: () => undefined,
        cut() {
          tell(`${name} cut`);
          queue.ended(copy);
        },
      };
      copies.set(name, copy);
      queue.submit(copy);
    },
    end(name: string) {
      const copy = copies.get(name);
      if (copy !== undefined) queue.ended(copy);
    },
    async until(what: string) {
      while (!told.includes(what)) await wake.promise;
    },
  };
}

const alone = (limits: { readonly concurrent: number; readonly queue: number }) =>
  thread(copyBudgetMemory(1), 0, limits);

const totals = (budget: CopyBudget) => [budget.total('underWay'), budget.total('queued')];

test('as many as may are under way, the others wait in the order they came, the newest is dropped', (t) => {
  const { submit, end, told, budget, shown, queue } = alone({ concurrent: 1, queue: 2 });

  for (const name of ['a', 'b', 'c', 'd']) submit(name);
  t.deepEqual(told, ['a started', 'd queue_full']);
  t.deepEqual(totals(budget), [1, 2]);
  t.deepEqual(shown, { inflight: 1, queued: 2 });
  t.is(queue.size, 3);

  for (const name of ['a', 'b', 'c']) end(name);
  t.deepEqual(told.slice(2), ['b started', 'c started']);
  t.deepEqual(totals(budget), [0, 0]);
  t.deepEqual(shown, { inflight: 0, queued: 0 });
});

test('a copy that ends twice gives back one place', (t) => {
  const { submit, end, budget } = alone({ concurrent: 2, queue: 0 });
  submit('a');
  submit('b');

  end('a');
  end('a');

  t.deepEqual(totals(budget), [1, 0]);
});

test('thousands that end as they begin do so one after the other, not one within the other', (t) => {
  const { submit, end, told, budget, queue } = alone({ concurrent: 1, queue: 20_000 });
  submit('first');
  for (let count = 0; count < 20_000; count++) submit('next', (copy) => queue.ended(copy));

  t.notThrows(() => end('first'));

  t.is(told.length, 20_001);
  t.deepEqual(totals(budget), [0, 0]);
});

test('more places let those that wait begin; fewer let nobody begin until enough have ended', (t) => {
  const { submit, end, told, queue } = alone({ concurrent: 1, queue: 9 });
  for (const name of ['a', 'b', 'c', 'd']) submit(name);

  queue.limits = { concurrent: 3, queue: 9 };
  t.deepEqual(told, ['a started', 'b started', 'c started']);

  queue.limits = { concurrent: 1, queue: 9 };
  end('a');
  end('b');
  t.is(told.length, 3);
  end('c');
  t.is(told.at(-1), 'd started');
});

test('who waits for nothing any more is told why, and who is under way goes on', (t) => {
  const { submit, told, budget, queue } = alone({ concurrent: 1, queue: 9 });
  for (const name of ['a', 'b', 'c']) submit(name);

  queue.skipWaiting('draining');

  t.deepEqual(told, ['a started', 'b draining', 'c draining']);
  t.deepEqual(totals(budget), [1, 0]);
});

test('when it closes everything ends, and nothing begins any more', (t) => {
  const { submit, told, budget, queue } = alone({ concurrent: 1, queue: 9 });
  for (const name of ['a', 'b']) submit(name);

  queue.close();
  submit('c');

  t.deepEqual(told, ['a started', 'b draining', 'a cut', 'c draining']);
  t.deepEqual(totals(budget), [0, 0]);
  t.is(queue.size, 0);
});

test('a place that comes free in one thread goes to a copy that waits in another', async (t) => {
  const memory = copyBudgetMemory(2);
  const limits = { concurrent: 1, queue: 9 };
  const [one, two] = [thread(memory, 0, limits), thread(memory, 1, limits)];
  one.submit('a');
  two.submit('b');
  two.submit('c');
  t.deepEqual(two.told, []);

  one.end('a');
  await two.until('b started');
  two.end('b');
  await two.until('c started');
  two.end('c');

  t.deepEqual(totals(one.budget), [0, 0]);
});

test('a thread that always has copies waiting does not keep all places for itself', async (t) => {
  const memory = copyBudgetMemory(2);
  const limits = { concurrent: 1, queue: 99 };
  const [busy, other] = [thread(memory, 0, limits), thread(memory, 1, limits)];
  for (let count = 0; count < 20; count++) busy.submit(`busy ${count}`);
  other.submit('other');

  let ended = 0;
  while (!other.told.includes('other started')) {
    if (busy.told.length > ended) busy.end(`busy ${ended++}`);
    await new Promise(setImmediate);
  }

  t.true(ended <= 4, `it took ${ended} places`);
  busy.queue.close();
});

test('a thread that waits for nothing any more passes on what it is woken for', async (t) => {
  const memory = copyBudgetMemory(3);
  const limits = { concurrent: 1, queue: 9 };
  const [first, gone, waiting] = [
    thread(memory, 0, limits),
    thread(memory, 1, limits),
    thread(memory, 2, limits),
  ];
  first.submit('a');
  gone.submit('b');
  gone.queue.skipWaiting('draining'); // it listens first, and wants nothing
  waiting.submit('c');

  first.end('a');

  await waiting.until('c started');
  t.pass();
});

test('the places of a thread that died go to who waits', async (t) => {
  const memory = copyBudgetMemory(2);
  const limits = { concurrent: 1, queue: 9 };
  const [dead, waiting] = [thread(memory, 0, limits), thread(memory, 1, limits)];
  dead.submit('a');
  waiting.submit('b');

  reclaimCopyBudget(memory, 0);

  await waiting.until('b started');
  t.deepEqual(totals(waiting.budget), [1, 0]);
});

test('what nobody was woken for begins with the next sweep', (t) => {
  const { submit, told, budget, queue } = alone({ concurrent: 1, queue: 9 });
  submit('a');
  submit('b');
  budget.give('underWay', 1);

  queue.sweep(0);

  t.deepEqual(told, ['a started', 'b started']);
});

const modules = {
  budget: join(import.meta.dirname, '../../../limits/copy-budget.ts'),
  queue: join(import.meta.dirname, 'send-queue.ts'),
};
const program = `
  import { workerData, parentPort } from 'node:worker_threads';
  const { openCopyBudget } = await import(${JSON.stringify(modules.budget)});
  const { SendQueue } = await import(${JSON.stringify(modules.queue)});
  const { memory, worker, copies, limits } = workerData;
  const gauge = { add: () => undefined };
  const queue = new SendQueue(openCopyBudget(memory, worker), { inflight: gauge, queued: gauge }, limits);
  const alive = setInterval(() => undefined, 1000);
  let [sent, dropped] = [0, 0];
  const over = () => {
    if (sent + dropped < copies) return;
    clearInterval(alive);
    parentPort.postMessage({ sent, dropped });
  };
  for (let number = 0; number < copies; number++) {
    const copy = {
      start: () => setImmediate(() => { sent++; queue.ended(copy); over(); }),
      skip: () => { dropped++; over(); },
    };
    queue.submit(copy);
  }
`;

test('threads that share few places all get through, without a sweep', async (t) => {
  const memory = copyBudgetMemory(3);
  const copies = 3000;
  const limits = { concurrent: 2, queue: 3 * copies };
  const results = await Promise.all(
    [0, 1, 2].map(async (worker) => {
      const workerData = { memory, worker, copies, limits };
      const running = new Worker(program, {
        eval: true,
        execArgv: ['--input-type=module'],
        workerData,
      });
      t.teardown(() => running.terminate());
      const [result] = await once(running, 'message');
      return result;
    }),
  );

  t.deepEqual(results, Array(3).fill({ sent: copies, dropped: 0 }));
  t.deepEqual(totals(openCopyBudget(memory, 0)), [0, 0]);
});
