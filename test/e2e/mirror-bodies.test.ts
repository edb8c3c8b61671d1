import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/ask.ts';
import { copyCounts, untilCopies } from '../support/copy-counts.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { connectPeer, type Message } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { chunkedBody, type RequestParts, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// The body of a copy: the very bytes the backend gets, or none of them, or a beginning that says so.
// One process serves the file.
const scope = fileScope();
let backend: Recorder;
let mirror: Recorder;
let routes: Routes<'small' | 'large' | 'cut' | 'none' | 'nothing'>;

const limit = 1000;
const megabyte = 1024 * 1024;

test.before('a route for each way to treat bodies', async () => {
  [backend, mirror] = await Promise.all([startRecorder(scope), startRecorder(scope)]);
  const route = (body: object) => ({
    rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror, { body })] })],
  });
  routes = await startRoutes(scope, {
    small: route({ maxBytes: limit }),
    large: route({ maxBytes: '1Mi' }),
    cut: route({ maxBytes: limit, onOverflow: 'Truncate' }),
    none: route({ mode: 'Omit' }),
    nothing: route({ maxBytes: 0 }),
  });
});

/** The same bytes everywhere, none of them the same as its neighbours. */
const bytes = (count: number): string => {
  const block = Array.from({ length: 251 }, (_, at) => String.fromCharCode(at)).join('');
  return block.repeat(Math.ceil(count / block.length)).slice(0, count);
};

/** Framed by its length in bytes of latin1, as a peer sends it. */
const sized = (body: string): RequestParts => ({
  method: 'POST',
  fields: ['Content-Type: text/plain', `Content-Length: ${body.length}`],
});
const inChunks = (...parts: readonly string[]): RequestParts => ({
  method: 'POST',
  fields: ['Content-Type: text/plain', 'Transfer-Encoding: chunked'],
  body: chunkedBody(...parts),
});

let asked = 0;

/** Sends it, and answers with how to find what came of it. */
async function send(
  t: ExecutionContext,
  route: keyof typeof routes.portOf,
  parts: RequestParts,
  body = '',
) {
  const id = `${++asked}`;
  const fields = [...(parts.fields ?? []), `X-Id: ${id}`];
  const answer = await ask(t, routes.portOf[route], requestText({ ...parts, fields }) + body);
  t.is(answer.status, 200);
  return (request: Message) => request.field('x-id') === id;
}

const copied: ReadonlyArray<readonly [string, 'small' | 'large', RequestParts, string]> = [
  ['with a length', 'small', sized('hello'), 'hello'],
  ['in chunks', 'small', inChunks('hel', 'lo'), 'hello'],
  ['without a byte', 'small', { method: 'POST', fields: ['Content-Length: 0'] }, ''],
  ['of a GET', 'small', { ...sized('hello'), method: 'GET' }, 'hello'],
  ['that is as long as it may be', 'small', sized(bytes(limit)), bytes(limit)],
  [
    'as long as it may be, in chunks',
    'small',
    inChunks(...Array(limit / 10).fill('0123456789')),
    '0123456789'.repeat(limit / 10),
  ],
  ['of a megabyte', 'large', sized(bytes(megabyte)), bytes(megabyte)],
  [
    'of a thousand small chunks',
    'large',
    inChunks(...Array(1000).fill('x'.repeat(99))),
    'x'.repeat(99_000),
  ],
];

for (const [title, route, parts, body] of copied) {
  test(`a body ${title} is copied as it is`, async (t) => {
    const chunked = parts.body !== undefined;
    const sent = await send(t, route, parts, chunked ? '' : body);

    const [original, copy] = [await backend.got(sent), await mirror.got(sent)];

    t.true(original.body === body);
    t.true(copy.body === body);
    t.is(copy.startLine, original.startLine);
    t.is(copy.framing, body === '' ? original.framing : 'length');
    t.is(copy.field('mirror-truncated'), null);
  });
}

test('one byte more than may be is too much, whether the length is known before or not', async (t) => {
  const known = await send(t, 'small', sized(bytes(limit + 1)), bytes(limit + 1));
  const unknown = await send(t, 'small', inChunks('0'.repeat(limit), 'x'));

  for (const sent of [known, unknown]) t.is((await backend.got(sent)).body.length, limit + 1);
  while ((await copyCounts(routes.up, { resource: 'test/small' })).skipped['body_too_large'] !== 2);
  for (const sent of [known, unknown]) t.false(mirror.received.some(sent));
});

test('maxBytes 0: requests without a body are copied', async (t) => {
  const withBody = await send(t, 'nothing', sized('x'), 'x');
  const without = await send(t, 'nothing', { method: 'POST', fields: ['Content-Length: 0'] });

  await mirror.got(without);
  const skipped = { body_too_large: 1 };
  await untilCopies(routes.up, { resource: 'test/nothing' }, { sent: { answered: 1 }, skipped });
  t.false(mirror.received.some(withBody));
});

const truncated: ReadonlyArray<readonly [string, RequestParts, string]> = [
  ['with a length', sized(bytes(limit + 1)), bytes(limit + 1)],
  ['in chunks', inChunks('0'.repeat(600), '1'.repeat(600)), '0'.repeat(600) + '1'.repeat(600)],
];

for (const [title, parts, body] of truncated) {
  test(`onOverflow Truncate: of a longer body ${title} the beginning is copied, and how long it was`, async (t) => {
    const sent = await send(t, 'cut', parts, parts.body === undefined ? body : '');

    const copy = await mirror.got(sent);

    t.true((await backend.got(sent)).body === body);
    t.true(copy.body === body.slice(0, limit));
    t.is(copy.field('mirror-truncated'), String(body.length));
  });
}

test('onOverflow Truncate: a body that fits says nothing of it', async (t) => {
  const sent = await send(t, 'cut', sized(bytes(limit)), bytes(limit));

  const copy = await mirror.got(sent);

  t.true(copy.body === bytes(limit));
  t.is(copy.field('mirror-truncated'), null);
});

test('mode Omit: the copy has no body, nor fields that speak of one', async (t) => {
  const { fields = [] } = sized('hello');
  const parts = { method: 'PUT', fields: [...fields, 'Content-Encoding: identity', 'X-Other: 1'] };
  const sent = await send(t, 'none', parts, 'hello');

  const copy = await mirror.got(sent);

  t.is((await backend.got(sent)).body, 'hello');
  t.is(copy.startLine, 'PUT / HTTP/1.1');
  t.is(copy.body, '');
  t.true([null, '0'].includes(copy.field('content-length')));
  for (const name of ['transfer-encoding', 'content-type', 'content-encoding']) {
    t.is(copy.field(name), null, name);
  }
  t.is(copy.field('x-other'), '1');
});

test('trailers are not copied: a copy is framed by its length', async (t) => {
  const client = await connectPeer(t, routes.portOf.small);
  const fields = ['Transfer-Encoding: chunked', 'Trailer: X-Sum', 'X-Id: trailers'];
  client.send(`${requestText({ method: 'POST', fields })}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`);
  t.is((await client.message()).status, 200);

  const copy = await mirror.got((request) => request.field('x-id') === 'trailers');

  t.is(copy.body, 'ok');
  t.is(copy.field('trailer'), null);
  t.is(copy.field('x-sum'), null);
});
