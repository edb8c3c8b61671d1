import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/ask.ts';
import { type ComparedCase, testComparing } from '../support/compared-cases.ts';
import { untilCompared, untilCopies } from '../support/copy-counts.ts';
import { mirrorTo, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { silent } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { startRecorder } from '../support/recorder.ts';
import { answerText, chunkedBody, requestText } from '../support/route-request.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

// Answers of a mirror are compared with those that clients get (R18), and all that anybody notices
// are counters.
const status = { mode: 'Status' };
const headers = { mode: 'Headers' };
const body = { mode: 'Body', maxBytes: '1Mi' };
const small = { mode: 'Body', maxBytes: 100 };
const megabyte = 'm'.repeat(1024 * 1024);
const gzipped = gzipSync('hello').toString('latin1');

const inChunks = (...parts: readonly string[]) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody(...parts)}`;
/** Framed by its length in bytes of latin1. */
const withField = (field: string, text: string) =>
  `HTTP/1.1 200 OK\r\n${field}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

const cases: Readonly<Record<string, ComparedCase>> = {
  off: {
    title: 'mode None counts nothing',
    compare: { mode: 'None' },
    primary: answerText('a'),
    copy: answerText('b', [], '500 No'),
  },
  status: {
    title: 'mode Status looks at nothing else',
    compare: status,
    primary: answerText('a', ['X-A: 1']),
    copy: answerText('other', ['X-A: 2']),
    result: 'match',
  },
  'other-status': {
    title: 'another status is a difference',
    compare: status,
    primary: answerText('a'),
    copy: answerText('a', [], '201 Created'),
    result: 'status_differs',
  },
  headers: {
    title: 'mode Headers looks at no body, and not at how it is framed',
    compare: headers,
    primary: answerText('hello', ['X-A: 1', 'Keep-Alive: timeout=1']),
    copy: inChunks('other').replace('\r\n', '\r\nx-a: 1\r\n'),
    result: 'match',
  },
  'other-header': {
    title: 'another value of a field is a difference',
    compare: headers,
    primary: answerText('a', ['X-A: 1']),
    copy: answerText('a', ['X-A: 2']),
    result: 'headers_differ',
  },
  'more-headers': {
    title: 'a field that only one has is a difference',
    compare: headers,
    primary: answerText('a'),
    copy: answerText('a', ['Set-Cookie: a=1']),
    result: 'headers_differ',
  },
  'ignored-by-default': {
    title: 'fields that always differ may do so unless something else is written',
    compare: headers,
    primary: answerText('a', ['Date: today', 'X-Request-Id: 1', 'Server: a']),
    copy: answerText('a', ['Date: tomorrow', 'X-Request-Id: 2']),
    result: 'match',
  },
  ignored: {
    title: 'ignoreHeaders says which fields may differ instead',
    compare: { ...headers, ignoreHeaders: ['X-Build'] },
    primary: answerText('a', ['x-build: 1', 'Date: today']),
    copy: answerText('a', ['X-BUILD: 2', 'Date: today']),
    result: 'match',
  },
  body: {
    title: 'a body in chunks equals the same one with a length',
    compare: body,
    primary: answerText('hello'),
    copy: inChunks('he', 'l', 'lo'),
    result: 'match',
  },
  'other-body': {
    title: 'another body of the same length is a difference',
    compare: body,
    primary: answerText('hello'),
    copy: answerText('hallo'),
    result: 'body_differs',
  },
  'other-length': {
    title: 'a longer body differs in length',
    compare: body,
    primary: answerText('hello'),
    copy: answerText('hello '),
    result: 'length_differs',
  },
  coded: {
    title: 'bodies in different codings cannot be compared',
    compare: body,
    primary: answerText('hello'),
    copy: withField('Content-Encoding: gzip', gzipped),
    result: 'incomparable',
  },
  'equally-coded': {
    title: 'bodies in the same coding can be compared',
    compare: body,
    primary: withField('Content-Encoding: gzip', gzipped),
    copy: withField('Content-Encoding: gzip', gzipped),
    result: 'match',
  },
  long: {
    title: 'bodies longer than maxBytes cannot be compared',
    compare: small,
    primary: answerText('l'.repeat(101)),
    copy: answerText('l'.repeat(101)),
    result: 'incomparable',
  },
  megabyte: {
    title: 'bodies of a megabyte are compared to the last byte',
    compare: body,
    primary: answerText(megabyte),
    copy: answerText(`${megabyte.slice(1)}n`),
    result: 'body_differs',
  },
  'broken-off': {
    title: 'an answer that broke off is none',
    compare: body,
    primary: answerText('a'),
    copy: `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    outcome: 'http_protocol_error',
  },
};

testComparing(cases);

/** A backend or mirror that answers when it is told to. */
async function startHolding(t: ExecutionContext) {
  const release = Promise.withResolvers<void>();
  const origin = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    await release.promise;
    peer.send(answerText('hello'));
  });
  return { ...origin, release: release.resolve };
}

for (const first of ['backend', 'mirror'] as const) {
  test(`it makes no difference that the ${first} answers first`, async (t) => {
    const [backend, mirror] = [await startHolding(t), await startHolding(t)];
    const { up, portOf } = await startRoutes(t, {
      order: { rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror, { compare: body })] })] },
    });
    const mirrors = { resource: 'test/order' };
    const answered = ask(t, portOf.order, requestText());

    if (first === 'backend') {
      backend.release();
      t.is((await answered).body, 'hello');
      mirror.release();
    } else {
      mirror.release();
      await untilCopies(up, mirrors, { sent: { answered: 1 } });
      backend.release();
      t.is((await answered).body, 'hello');
    }

    await untilCompared(up, mirrors, { match: 1 });
  });
}

test('a mirror that never answers delays no answer, however much is compared', async (t) => {
  const backend = await startRecorder(t, () => answerText(megabyte));
  const mirror = await startTcpOrigin(t, silent);
  const { up, portOf } = await startRoutes(t, {
    never: {
      rules: [
        ruleTo(backend, {
          mirrors: [mirrorTo(mirror, { compare: body, timeouts: { request: '2s' } })],
        }),
      ],
    },
  });

  t.true((await ask(t, portOf.never, requestText())).body === megabyte);

  const mirrors = { resource: 'test/never' };
  await untilCopies(up, mirrors, { sent: { http_response_timeout: 1 } });
  await untilCompared(up, mirrors, {});
});
