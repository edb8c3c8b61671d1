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
  writes.add('a', 1, true);
  writes.add('a', 1, true);
  writes.add('b', 1, true);

  t.deepEqual(await next(), ['a', 'b']);
});

test('a version is written three times at once, and then once in ten seconds', async (t) => {
  const { writes, next, pass } = open(t);
  for (let time = 0; time < 3; time++) {
    writes.add('a', 1, true);
    t.deepEqual(await next(), ['a']);
  }

  writes.add('a', 1, true);
  writes.add('b', 1, true);
  t.deepEqual(await next(), ['b'], 'it is put off');

  pass(10_000);
  t.deepEqual(await next(), ['a']);
});

test('a new version may be written at once', async (t) => {
  const { writes, next } = open(t);
  for (let time = 0; time < 3; time++) {
    writes.add('a', 1, true);
    await next();
  }

  writes.add('a', 2, true);

  t.deepEqual(await next(), ['a']);
});

test('what could not be written waits for the next resume', async (t) => {
  const { writes, next, pass } = open(t);
  writes.add('a', 1, true);
  writes.putBack((await next()) ?? []);
  const again = next();

  pass(0);

  t.deepEqual(await again, ['a']);
});

test('what is no longer wanted is not written', async (t) => {
  const { writes, next } = open(t);
  writes.add('a', 1, true);
  writes.add('b', 1, true);
  writes.remove('a');

  t.deepEqual(await next(), ['b']);
});

test('what is still under way is written a moment later, or once when it has settled', async (t) => {
  const { writes, next, pass } = open(t);
  writes.add('quick', 1, false);
  writes.add('slow', 1, false);
  writes.add('quick', 1, true);
  t.deepEqual(await next(), ['quick']);

  const later = next();
  pass(499);
  writes.add('slow', 1, false);
  pass(1);

  t.deepEqual(await later, ['slow']);
});

test('what only informs is written a second later, and once in thirty seconds', async (t) => {
  const { writes, next, pass } = open(t);
  writes.add('a', 1, true);
  await next();

  writes.addExtra('a');
  writes.add('b', 1, true);
  t.deepEqual(await next(), ['b'], 'it is put off');
  pass(1_000);
  t.deepEqual(await next(), ['a']);
  writes.addExtra('a');
  pass(29_999);
  writes.addExtra('a');
  writes.add('b', 2, true);
  t.deepEqual(await next(), ['b']);
  pass(1);
  t.deepEqual(await next(), ['a']);
});

test('what only informs takes none of the writes of its version, and goes with them', async (t) => {
  const { writes, next, pass } = open(t);
  for (let time = 0; time < 4; time++) {
    writes.addExtra('a');
    pass(30_000);
    t.deepEqual(await next(), ['a']);
  }
  for (let time = 0; time < 3; time++) {
    writes.addExtra('a');
    writes.add('a', 1, true);
    t.deepEqual(await next(), ['a']);
  }
  pass(30_000);
  writes.add('b', 1, true);
  t.deepEqual(await next(), ['b']);
});

test('what only informs and has passed is not written', async (t) => {
  const { writes, next, pass } = open(t);
  writes.addExtra('a');
  writes.remove('a');
  writes.addExtra('b');
  writes.forget('b');

  pass(30_000);
  writes.add('c', 1, true);

  t.deepEqual(await next(), ['c']);
});
