import test from 'ava';
import { createPendingWrites } from './pending-writes.ts';

function open(t: { teardown(end: () => void): void }) {
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  let nowMs = 0;
  const writes = createPendingWrites(() => nowMs);
  const batches = writes.batches(ended.signal)[Symbol.asyncIterator]();
  return {
    writes,
    next: async () => (await batches.next()).value,
    pass(ms: number) {
      nowMs += ms;
      writes.resume();
    },
  };
}

test('what is added before anybody looks is one batch', async (t) => {
  const { writes, next } = open(t);
  writes.add('a', 1);
  writes.add('a', 1);
  writes.add('b', 1);

  t.deepEqual(await next(), ['a', 'b']);
});

test('a version is written three times at once, and then once in ten seconds', async (t) => {
  const { writes, next, pass } = open(t);
  for (let time = 0; time < 3; time++) {
    writes.add('a', 1);
    t.deepEqual(await next(), ['a']);
  }

  writes.add('a', 1);
  writes.add('b', 1);
  t.deepEqual(await next(), ['b'], 'it is put off');

  pass(10_000);
  t.deepEqual(await next(), ['a']);
});

test('a new version may be written at once', async (t) => {
  const { writes, next } = open(t);
  for (let time = 0; time < 3; time++) {
    writes.add('a', 1);
    await next();
  }

  writes.add('a', 2);

  t.deepEqual(await next(), ['a']);
});

test('what could not be written waits for the next resume', async (t) => {
  const { writes, next, pass } = open(t);
  writes.add('a', 1);
  writes.putBack((await next()) ?? []);
  const again = next();

  pass(0);

  t.deepEqual(await again, ['a']);
});

test('what is no longer wanted is not written', async (t) => {
  const { writes, next } = open(t);
  writes.add('a', 1);
  writes.add('b', 1);
  writes.remove('a');

  t.deepEqual(await next(), ['b']);
});
