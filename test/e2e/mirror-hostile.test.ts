import test from 'ava';
import { untilCopies } from '../support/copy-counts.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { connectPeer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { chunkedBody, type RequestParts, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// Requests that two readers may take for different ones (research/forward-and-mirror.md §5.1) are
// refused, and neither backend nor mirror hears of them. The code is that of ForwardProxy, whose
// tests are larger: hostile-framing.test.ts. One process serves the file.
const scope = fileScope();
let backend: Recorder;
let mirror: Recorder;
let routes: Routes<'open'>;

test.before('a route that copies everything', async () => {
  [backend, mirror] = await Promise.all([startRecorder(scope), startRecorder(scope)]);
  routes = await startRoutes(scope, {
    open: { rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror)] })] },
  });
});

const smuggled = '/smuggled';
const post = (fields: readonly string[], body = 'abc'): string =>
  requestText({ method: 'POST', fields, body: '' }) + body;
const chunked = (body: string): string => post(['Transfer-Encoding: chunked'], body);
const get = (parts: RequestParts): string => requestText(parts);

const refused: ReadonlyArray<readonly [id: string, title: string, status: number, text: string]> = [
  [
    'S1',
    'Content-Length and Transfer-Encoding',
    400,
    post(['Content-Length: 3', 'Transfer-Encoding: chunked']),
  ],
  ['S2', 'two different Content-Lengths', 400, post(['Content-Length: 3', 'Content-Length: 2'])],
  ['S4', 'a Content-Length with a sign', 400, post(['Content-Length: +3'])],
  [
    'S5',
    'a Transfer-Encoding that does not end in chunked',
    400,
    post(['Transfer-Encoding: chunked, gzip']),
  ],
  ['S6', 'a coding before chunked', 501, post(['Transfer-Encoding: gzip, chunked'])],
  ['S7', 'chunks in HTTP/1.0', 400, chunked(chunkedBody('abc')).replace('HTTP/1.1', 'HTTP/1.0')],
  ['S9', 'a chunk size with a prefix', 400, chunked('0x3\r\nabc\r\n0\r\n\r\n')],
  ['S9', 'a chunk that is longer than it says', 400, chunked('2\r\nabc\r\n0\r\n\r\n')],
  ['S14', 'a blank before the colon', 400, get({ fields: ['X-A : b'] })],
  ['S14', 'a folded line', 400, get({ fields: ['X-A: b', ' c'] })],
  ['S15', 'a NUL in a value', 400, get({ fields: ['X-A: a\0b'] })],
  ['S17', 'no version', 400, 'GET /a\r\nHost: shop.example\r\n\r\n'],
  ['S18', 'another version', 505, get({}).replace('HTTP/1.1', 'HTTP/2.0')],
  ['S26', 'a Connection that names Host', 400, get({ fields: ['Connection: host'] })],
  ['S27', 'more fields than are allowed', 431, get({ fields: Array(101).fill('X-A: b') })],
  ['S27', 'a target that is too long', 414, get({ target: `/${'a'.repeat(9000)}` })],
  ['T3', 'two Hosts', 400, get({ fields: ['Host: other.example'] })],
  ['T3', 'no Host', 400, get({}).replace('Host: shop.example\r\n', '')],
];

for (const [id, title, status, text] of refused) {
  test(`${id}: ${title} is refused, and nothing behind it is read`, async (t) => {
    const client = await connectPeer(t, routes.portOf.open);
    client.send(text + requestText({ target: smuggled }));

    const answer = await client.message();

    t.is(answer.status, status);
    t.regex(answer.field('proxy-status') ?? '', /^open\.test; error=\w+/);
    t.is(answer.field('connection'), 'close');
    t.deepEqual(await client.rest(), { text: '', end: 'fin' });
  });
}

test.after('nothing that was smuggled was served or copied', async (t) => {
  const client = await connectPeer(scope, routes.portOf.open);
  client.send(requestText({ target: '/last' }));
  t.is((await client.message()).status, 200);
  await mirror.got(({ startLine }) => startLine.includes('/last'));

  await untilCopies(
    routes.up,
    { resource: 'test/open' },
    { sent: { answered: 1 }, skipped: incomplete },
  );
  for (const { received } of [backend, mirror]) {
    t.deepEqual(
      received.map(({ startLine }) => startLine),
      ['GET /last HTTP/1.1'],
    );
  }
});

/** Those whose heads are sound: chunks break later, when a copy has begun. */
const incomplete = { incomplete: 2 };
