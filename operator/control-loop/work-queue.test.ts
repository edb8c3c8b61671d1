import test from 'ava';
import { silentOperatorMetrics } from '../metrics.ts';
import { createWorkQueue } from './work-queue.ts';

function open(t: { teardown(end: () => void): void }) {
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  const queue = createWorkQueue((item: string) => item, ended.signal, silentOperatorMetrics);
  const taken = queue[Symbol.asyncIterator]();
  return { ended, queue, take: async () => (await taken.next()).value?.join() };
}

test('what is added ten times while nobody looks is looked at once', async (t) => {
  const { queue, take } = open(t);
  for (let time = 0; time < 10; time++) queue.add('a');
  queue.add('b');

  t.is(await take(), 'a,b');
});

test('a change that comes while its key is being looked at is looked at again', async (t) => {
  const { queue, take } = open(t);
  queue.add('a');
  await take();

  queue.add('a');

  t.is(await take(), 'a');
});

test('a key that failed comes back by itself', async (t) => {
  const { queue, take } = open(t);

  queue.retry('a');

  t.is(await take(), 'a');
});

test('keys that wait for their next try come at once when the obstacle is gone', async (t) => {
  const { queue, take } = open(t);
  for (let failure = 0; failure < 20; failure++) queue.retry('a'); // now at 10 s

  const began = performance.now();
  queue.retryAllNow();

  t.is(await take(), 'a');
  t.true(performance.now() - began < 5000);
});

test('the end of the signal ends the queue', async (t) => {
  const { ended, take } = open(t);
  const next = take();

  ended.abort();

  t.is(await next, undefined);
});
