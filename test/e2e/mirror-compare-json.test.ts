import { gzipSync } from 'node:zlib';
import test from 'ava';
import { ask } from '../support/ask.ts';
import { type ComparedCase, testComparing } from '../support/compared-cases.ts';
import {
  comparedCounts,
  copyGauges,
  nothingHeld,
  untilCopies,
  untilGauges,
} from '../support/copy-counts.ts';
import { mirrorTo, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { startRecorder } from '../support/recorder.ts';
import { startAsking } from '../support/route-load.ts';
import { answerText, chunkedBody, requestText } from '../support/route-request.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

// Bodies of JSON are compared by what they say, where values in them may differ (R18).

const json = { mode: 'Body', ignoreJSONPointers: ['/meta/time', '/items/0/id'] };
const type = 'Content-Type: application/json';

const jsonText = (text: string) => answerText(text, [type]);
/** Its bytes are those of latin1. */
const inGzip = (text: string) => {
  const body = gzipSync(text).toString('latin1');
  const head = [type, 'Content-Encoding: gzip', `Content-Length: ${body.length}`];
  return `HTTP/1.1 200 OK\r\n${head.join('\r\n')}\r\n\r\n${body}`;
};
const inChunks = (...parts: readonly string[]) =>
  `HTTP/1.1 200 OK\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody(...parts)}`;

const cases: Readonly<Record<string, ComparedCase>> = {
  'ignored-pointer': {
    title: 'values of JSON that are ignored may differ, wherever they stand',
    compare: json,
    primary: jsonText('{"meta":{"time":1,"by":"a"},"items":[{"id":1,"n":2}]}'),
    copy: jsonText('{ "items": [{"n": 2}], "meta": {"by": "a", "time": [2]} }'),
    result: 'match',
  },
  'other-value': {
    title: 'values of JSON that are not ignored may not',
    compare: json,
    primary: jsonText('{"items":[{"id":1},{"id":1}]}'),
    copy: jsonText('{"items":[{"id":2},{"id":2}]}'),
    result: 'body_differs',
  },
  'large-integers': {
    title: 'integers that are one double are two numbers',
    compare: json,
    primary: jsonText('{"id":9007199254740993}'),
    copy: jsonText('{"id":9007199254740992}'),
    result: 'body_differs',
  },
  'coded-json': {
    title: 'JSON is decoded to be compared',
    compare: json,
    primary: jsonText('{"meta":{"time":1}}'),
    copy: inGzip('{"meta":{"time":2}}'),
    result: 'match',
  },
  'equally-coded-json': {
    title: 'JSON in the same coding is, too',
    compare: json,
    primary: inGzip('{"meta":{"time":1}}'),
    copy: inGzip('{"meta":{"time":1},"a":2}'),
    result: 'body_differs',
  },
  'chunked-json': {
    title: 'JSON in chunks equals the same with a length',
    compare: json,
    primary: jsonText('{"meta":{"time":1}}'),
    copy: inChunks('{"meta":{', '"time":2}}'),
    result: 'match',
  },
  'truncated-json': {
    title: 'JSON that ends too early is none',
    compare: json,
    primary: jsonText('{"meta":{"time":1}}'),
    copy: jsonText('{"meta":{"time":1}'),
    result: 'invalid_json',
  },
  'html-as-json': {
    title: 'what is no JSON is said',
    compare: json,
    primary: jsonText('<html>'),
    copy: jsonText('{}'),
    result: 'invalid_json',
  },
  'two-members': {
    title: 'two members of one name are said',
    compare: json,
    primary: jsonText('{"a":1,"a":2}'),
    copy: jsonText('{"a":2}'),
    result: 'duplicate_keys',
  },
  deep: {
    title: 'JSON that is nested without end is said',
    compare: json,
    primary: jsonText('{}'),
    copy: jsonText('['.repeat(1024 * 1024)),
    result: 'too_complex',
  },
  'long-json': {
    title: 'JSON longer than maxBytes cannot be compared',
    compare: { ...json, maxBytes: 100 },
    primary: jsonText(`"${'l'.repeat(99)}"`),
    copy: jsonText('1'),
    result: 'incomparable',
  },
  'a-bomb': {
    title: 'JSON longer than maxBytes once it is decoded cannot be compared',
    compare: json,
    primary: jsonText('1'),
    copy: inGzip(' '.repeat(64 * 1024 * 1024)),
    result: 'incomparable',
  },
  'json-and-text': {
    title: 'where only one is JSON bytes are compared',
    compare: { ...json, ignoreHeaders: ['Content-Type'] },
    primary: jsonText('{}'),
    copy: answerText('{ }'),
    result: 'length_differs',
  },
  'no-json': {
    title: 'where none is JSON bytes are compared',
    compare: json,
    primary: answerText('{"meta":{"time":1}}'),
    copy: answerText('{"meta":{"time":2}}'),
    result: 'body_differs',
  },
  'none-of-them': {
    title: 'a share of 0 compares nothing, and says so',
    compare: { ...json, percent: 0 },
    primary: jsonText('1'),
    copy: jsonText('2'),
    result: 'not_sampled',
  },
};

testComparing(cases);

test('JSON that waits for the mirror is held within bufferedBytes, and given back', async (t) => {
  const large = `{"meta":{"time":1},"a":"${'a'.repeat(900_000)}"}`;
  const backend = await startRecorder(t, () => jsonText(large));
  const release = Promise.withResolvers<void>();
  const mirror = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    await release.promise;
    peer.send(jsonText(large.replace('1', '2')));
  });
  const limits = { bufferedBytes: 4_000_000 };
  const { up, portOf } = await startRoutes(t, {
    held: { rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror, { compare: json, limits })] })] },
  });
  const mirrors = { resource: 'test/held' };

  // Three fit, with what is held of the mirror's answers and while it is read; no client notices.
  for (let asked = 0; asked < 6; asked += 1) {
    t.is((await ask(t, portOf.held, requestText())).body.length, large.length);
  }
  t.true((await copyGauges(up, mirrors)).bufferedBytes <= 4_000_000);
  t.true((await copyGauges(up, mirrors)).bufferedBytes >= 3_600_000);
  release.resolve();

  await untilCopies(up, mirrors, { sent: { answered: 6 } });
  await untilGauges(up, mirrors, nothingHeld);
  const { match = 0, buffer_bytes = 0 } = await comparedCounts(up, mirrors);
  t.is(match + buffer_bytes, 6);
  t.true(buffer_bytes >= 2);
});

test('half of the copies is about half', async (t) => {
  const backend = await startRecorder(t, () => answerText('a'));
  const compare = { mode: 'Status', percent: 50 };
  const { up, portOf } = await startRoutes(t, {
    half: { rules: [ruleTo(backend, { mirrors: [mirrorTo(backend, { compare })] })] },
  });
  const mirrors = { resource: 'test/half' };

  const load = await startAsking(t, portOf.half, 4);
  await load.more(400);
  await load.stop();

  await untilCopies(up, mirrors, { sent: { answered: load.done } });
  const { match = 0, not_sampled = 0, ...others } = await comparedCounts(up, mirrors);
  t.deepEqual([match + not_sampled, others], [load.done, {}]);
  // Six standard deviations.
  t.true(Math.abs(match - load.done / 2) < 6 * Math.sqrt(load.done / 4), `${match}`);
});
