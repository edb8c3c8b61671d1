import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import test from 'ava';
import { copyBudgetMemory, openCopyBudget } from '../../../limits/copy-budget.ts';
import { ignoredValues } from '../ignored-values.ts';
import { BackgroundWork } from './background-work.ts';
import { compareJson } from './compare-json.ts';
import { HeldBody } from './held-body.ts';

type Body = { readonly bytes: string | Buffer; readonly coding?: string };

type Options = {
  readonly maxBytes?: number;
  readonly bufferedBytes?: number;
  readonly thread?: { readonly loopBusy: boolean };
};

/** What comes of comparing two bodies, whose `t` may differ; nothing is held afterwards. */
async function compare(primary: Body, copy: Body, options: Options = {}): Promise<string> {
  const { maxBytes = 65_536, bufferedBytes = 1_000_000, thread = { loopBusy: false } } = options;
  const budget = openCopyBudget(copyBudgetMemory(1), 0);
  let shown = 0;
  const allowance = {
    ...{ bufferedBytes, budget, body: { maxBytes, onOverflow: 'Skip' as const } },
    gauge: {
      add(bytes: number) {
        shown += bytes;
      },
    },
  };
  const hold = ({ bytes, coding = 'identity' }: Body) => {
    const held = new HeldBody(allowance);
    const whole = Buffer.from(bytes);
    for (let at = 0; at < whole.length; at += 1000) held.add(whole.subarray(at, at + 1000));
    return { held, coding };
  };
  const [one, other] = [hold(primary), hold(copy)];
  const held = budget.total('bytes');

  const terms = { ignored: ignoredValues(['/t']), allowance };
  const result = await compareJson(one, other, terms, thread, new BackgroundWork());

  // What was taken to read them is given back, and what is held is for others to give back.
  return budget.total('bytes') === held && shown === held ? result : 'it kept something';
}

const json = (text: string): Body => ({ bytes: text });

test('what bodies say is compared, but for what is ignored', async (t) => {
  t.is(await compare(json('{"a":1,"t":1}'), json('{"t":2, "a":1}')), 'match');
  t.is(await compare(json('{"a":1,"t":1}'), json('{"a":1}')), 'match');
  t.is(await compare(json('{"a":1,"t":1}'), json('{"a":2,"t":1}')), 'body_differs');
  t.is(await compare(json('{"a":"é"}'), json('{"a":"\\u00e9"}')), 'match');
});

const text = JSON.stringify({ a: Array.from({ length: 1000 }, (_, at) => `item ${at}`), t: 1 });
const spaced = JSON.stringify({ t: 2, ...JSON.parse(text), b: undefined }, null, 1);

test('R18: in whatever coding', async (t) => {
  const gzip = { bytes: gzipSync(text), coding: 'gzip' };
  const others = [
    { bytes: gzipSync(spaced, { level: 1 }), coding: 'x-gzip' },
    { bytes: deflateSync(spaced), coding: 'deflate' },
    { bytes: brotliCompressSync(spaced), coding: 'br' },
    json(spaced),
  ];

  for (const other of others) {
    t.is(await compare(gzip, other), 'match', other.coding);
    t.is(await compare(other, gzip), 'match', other.coding);
    t.is(await compare(other, json('[]')), 'body_differs', other.coding);
  }
});

test('what cannot be decoded cannot be compared', async (t) => {
  const bodies = [
    { bytes: zstdCompressSync(text), coding: 'zstd' },
    { bytes: gzipSync(gzipSync(text)), coding: 'gzip, gzip' },
    { bytes: text, coding: 'gzip' },
    { bytes: gzipSync(text).subarray(0, 100), coding: 'gzip' },
    { bytes: '', coding: 'br' },
    { bytes: text, coding: 'constructor' },
  ];

  for (const body of bodies) {
    t.is(await compare(body, json('1')), 'incomparable', body.coding);
    t.is(await compare(json('1'), body), 'incomparable', body.coding);
  }
});

test('a body that is longer than maxBytes once it is decoded is not', async (t) => {
  const zeros = gzipSync(`[${'0,'.repeat(1_000_000)}0]`);
  const hundred = `"${'a'.repeat(98)}"`;
  const exact = { bytes: gzipSync(hundred), coding: 'gzip' };

  t.is(await compare({ bytes: zeros, coding: 'gzip' }, json('1')), 'incomparable');
  t.is(await compare(exact, json(hundred), { maxBytes: 100 }), 'match');
  t.is(await compare(exact, json('1'), { maxBytes: 99 }), 'incomparable');
});

test('what is no JSON is said, whichever side it is on', async (t) => {
  for (const [body, result] of [
    [json('<html>'), 'invalid_json'],
    [json(''), 'invalid_json'],
    [{ bytes: Buffer.from([0x22, 0xff, 0x22]) }, 'invalid_json'],
    [json('{"a":1,"a":1}'), 'duplicate_keys'],
    [json('['.repeat(60_000)), 'too_complex'],
  ] as const) {
    t.is(await compare(body, json('1')), result);
    t.is(await compare(json('1'), body), result);
  }
});

test('what is read is accounted for, too', async (t) => {
  const [one, other] = [json('"aaaa"'), json('"aaab"')];
  const coded = { bytes: gzipSync('"aaaa"'), coding: 'gzip' };

  t.is(await compare(one, other, { bufferedBytes: 18 }), 'body_differs');
  t.is(await compare(one, other, { bufferedBytes: 17 }), 'buffer_bytes');
  const held = coded.bytes.length + 6;
  t.is(await compare(coded, other, { maxBytes: 100, bufferedBytes: held + 99 }), 'buffer_bytes');
  t.is(await compare(coded, other, { maxBytes: 100, bufferedBytes: held + 100 }), 'body_differs');
});

test('a thread that is late reads nothing, and stops when it becomes late', async (t) => {
  const thread = { loopBusy: true };
  t.is(await compare(json('1'), json('1'), { thread }), 'loop_busy');

  thread.loopBusy = false;
  const large = json(`[${'1,'.repeat(30_000)}1]`);
  const compared = compare(json('1'), large, { thread });
  await setImmediate();
  thread.loopBusy = true;

  t.is(await compared, 'loop_busy');
});

test('a megabyte is read in many turns of the loop', async (t) => {
  const large = json(`[${'{"a":1},'.repeat(120_000)}1]`);
  let turns = 0;
  let over = false;
  const counting = (async () => {
    for (; !over; turns++) await setImmediate();
  })();

  const result = await compare(large, large, { maxBytes: 1e6, bufferedBytes: 8e6 });
  over = true;
  await counting;

  t.is(result, 'match');
  t.true(turns > 100, `${turns}`);
});
