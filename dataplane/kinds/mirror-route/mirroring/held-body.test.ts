import { randomBytes } from 'node:crypto';
import test from 'ava';
import { copyBudgetMemory, openCopyBudget } from '../../../limits/copy-budget.ts';
import { HeldBody } from './held-body.ts';

const kib = 1024;

function hold(
  parts: {
    readonly maxBytes?: number;
    readonly onOverflow?: 'Skip' | 'Truncate';
    readonly bufferedBytes?: number;
  } = {},
) {
  const { maxBytes = 1024 * kib, onOverflow = 'Skip', bufferedBytes = 4096 * kib } = parts;
  const budget = openCopyBudget(copyBudgetMemory(1), 0);
  let shown = 0;
  const gauge = {
    add(bytes: number) {
      shown += bytes;
    },
  };
  const body = new HeldBody({ body: { maxBytes, onOverflow }, bufferedBytes, budget, gauge });
  return { body, budget, shown: () => shown };
}

test('a body in one chunk is that very chunk, and takes no more than it has', (t) => {
  const { body, budget, shown } = hold();
  const chunk = randomBytes(100);

  t.is(body.add(chunk), null);

  t.is(body.pieces.length, 1);
  t.is(body.pieces[0], chunk);
  t.deepEqual([budget.total('bytes'), shown()], [100, 100]);
  body.release();
  body.release();
  t.deepEqual([budget.total('bytes'), shown()], [0, 0]);
});

test('large chunks are kept as they are, small ones that follow are put together, in order', (t) => {
  const { body, budget } = hold();
  const sizes = [10, 16 * kib, 1, 2, 5000, 40 * kib, 3, 16 * kib - 1, 1, 1];
  const chunks = sizes.map((size) => randomBytes(size));

  for (const chunk of chunks) t.is(body.add(chunk), null);

  t.true(body.pieces.includes(chunks[1] ?? Buffer.alloc(0)));
  t.true(body.pieces.includes(chunks[5] ?? Buffer.alloc(0)));
  t.true(body.pieces.length < chunks.length);
  t.deepEqual(Buffer.concat(body.pieces), Buffer.concat(chunks));
  t.is(body.length, Buffer.concat(chunks).length);
  body.release();
  t.is(budget.total('bytes'), 0);
});

test('a body of one-byte chunks takes what is accounted for, not a hundred times that', (t) => {
  const { body, budget } = hold();
  const bytes = randomBytes(200 * kib);

  for (let at = 0; at < bytes.length; at++) body.add(bytes.subarray(at, at + 1));

  t.true(body.pieces.length < 10, `${body.pieces.length} writes`);
  t.deepEqual(Buffer.concat(body.pieces), bytes);
  const memory = new Set(body.pieces.slice(1).map(({ buffer }) => buffer));
  const slabBytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  t.is(budget.total('bytes'), 1 + slabBytes);
});

test('R4: a body of exactly maxBytes is copied, one byte more is not', (t) => {
  for (const sizes of [[1000], [999, 1], Array.from({ length: 1000 }, () => 1)]) {
    const { body } = hold({ maxBytes: 1000 });
    for (const size of sizes) t.is(body.add(Buffer.alloc(size)), null);
    t.is(body.truncatedFrom, null);

    t.is(body.add(Buffer.alloc(1)), 'body_too_large');
  }
});

test('what was taken is given back after any overflow', (t) => {
  for (const parts of [{ maxBytes: 20 * kib }, { bufferedBytes: 20 * kib }]) {
    const { body, budget, shown } = hold(parts);
    const reasons = [17, 2, 17].map((size) => body.add(Buffer.alloc(size * kib)));

    t.is(reasons[2], 'maxBytes' in parts ? 'body_too_large' : 'buffer_bytes');
    body.release();
    t.deepEqual([budget.total('bytes'), shown()], [0, 0]);
  }
});

test('all bodies of a mirror share what may be buffered', (t) => {
  const { body, budget } = hold({ bufferedBytes: 100 });
  budget.take('bytes', 51, 100);

  t.is(body.add(Buffer.alloc(50)), 'buffer_bytes');
  t.is(budget.total('bytes'), 51);
});

test('Truncate keeps the first maxBytes, and says how long the body was', (t) => {
  const { body, budget } = hold({ maxBytes: 5, onOverflow: 'Truncate' });

  for (const text of ['one', 'two', 'three']) t.is(body.add(Buffer.from(text)), null);

  t.is(Buffer.concat(body.pieces).toString(), 'onetw');
  t.is(body.length, 5);
  t.is(body.truncatedFrom, 11);
  body.release();
  t.is(budget.total('bytes'), 0);
});

test('Truncate keeps what there was room for, and nothing behind a gap', (t) => {
  const { body } = hold({ bufferedBytes: 40 * kib, onOverflow: 'Truncate' });

  for (const size of [20, 30, 16]) body.add(Buffer.alloc(size * kib));

  t.is(body.length, 20 * kib);
  t.is(body.truncatedFrom, 66 * kib);
});

test('maxBytes 0: an empty body is copied, and any other is too large, or nothing of it is kept', (t) => {
  const skipping = hold({ maxBytes: 0 });
  t.is(skipping.body.add(Buffer.alloc(0)), null);
  t.is(skipping.body.add(Buffer.from('x')), 'body_too_large');

  const truncating = hold({ maxBytes: 0, onOverflow: 'Truncate' });
  t.is(truncating.body.add(Buffer.from('x')), null);
  t.deepEqual(truncating.body.pieces, []);
  t.is(truncating.body.truncatedFrom, 1);
});

test('of a chunk that is cut no more is held than is accounted for', (t) => {
  const { body, budget } = hold({ maxBytes: kib, onOverflow: 'Truncate' });

  t.is(body.add(Buffer.from(new ArrayBuffer(64 * kib))), null);

  t.is(budget.total('bytes'), kib);
  t.is(body.pieces[0]?.length, kib);
  t.true((body.pieces[0]?.buffer.byteLength ?? 0) < 64 * kib);
});
