import test, { type ExecutionContext } from 'ava';
import { type Origin, startOrigin } from '../support/origin.ts';
import { connectPeer, type Message, type Peer } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';
import { answering, startScriptedOrigin } from '../support/scripted-origin.ts';

// How requests are framed: research/forward-and-mirror.md §5.1. One process serves the file.
const scope = fileScope();
let origin: Origin;
let proxies: Proxies<'open' | 'hasty' | 'few'>;

test.before(
  'an origin, and proxies that are open, short of patience, short of places',
  async () => {
    origin = await startOrigin(scope);
    proxies = await startProxies(scope, {
      open: {},
      hasty: { timeouts: { requestHeaders: '1s', bodyIdle: '2s', idle: '2s' } },
      few: { limits: { connections: 5 } },
    });
  },
);

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

type Parts = {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
};

/** A request of these parts, as they are. */
function request(authority: string, parts: Parts = {}): string {
  const { method = 'GET', path = '/', version = 'HTTP/1.1', fields = [], body = '' } = parts;
  const head = [`${method} http://${authority}${path} ${version}`, `Host: ${authority}`, ...fields];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const withFields = (...fields: readonly string[]): Parts => ({
  method: 'POST',
  path: '/echo',
  fields,
  body: 'abc',
});
const chunked = (body: string): Parts => ({
  method: 'POST',
  path: '/echo',
  fields: ['Transfer-Encoding: chunked'],
  body,
});

/** The origin has been asked for this only if a request was smuggled. */
const smuggledPath = '/smuggled';

/**
 * Sends it, with one more request right behind: one answer must come, that says why, and the end
 * of the connection.
 */
async function isRefused(t: ExecutionContext, raw: string, status: number): Promise<Message> {
  const client = await connectPeer(t, proxies.portOf.open);
  client.send(raw + request(origin.authority, { path: smuggledPath }));
  const answer = await client.message();
  const what = JSON.stringify(raw.slice(0, 300));
  t.is(answer.status, status, what);
  t.regex(answer.field('proxy-status') ?? '', /; error=\w+/, what);
  t.is(answer.field('connection'), 'close', what);
  t.deepEqual(await client.rest(), { text: '', end: 'fin' }, what);
  return answer;
}

test.after('nothing that was smuggled has reached the origin', (t) => {
  t.deepEqual(
    origin.requests.filter(({ url }) => url.includes(smuggledPath)),
    [],
  );
});

type Refused = {
  readonly id: string;
  readonly title: string;
  readonly status: number;
  readonly requests: readonly Parts[];
};

const chunk = (line: string) => chunked(`${line}\r\nabc\r\n0\r\n\r\n`);

const refused: readonly Refused[] = [
  {
    id: 'S1',
    title: 'Content-Length and Transfer-Encoding together, in either order',
    status: 400,
    requests: [
      withFields('Content-Length: 3', 'Transfer-Encoding: chunked'),
      withFields('Transfer-Encoding: chunked', 'Content-Length: 3'),
    ],
  },
  {
    id: 'S2',
    title: 'two different Content-Lengths',
    status: 400,
    requests: [withFields('Content-Length: 3', 'Content-Length: 2')],
  },
  {
    id: 'S3',
    title: 'two equal Content-Lengths, or one that is a list',
    status: 400,
    requests: [
      withFields('Content-Length: 3', 'Content-Length: 3'),
      withFields('Content-Length: 3, 3'),
    ],
  },
  {
    id: 'S4',
    title: 'a Content-Length that is no number, or one that does not fit',
    status: 400,
    requests: [
      '+3',
      '-3',
      '0x3',
      '',
      '3e0',
      '3.0',
      '3 3',
      '9007199254740993', // 2⁵³ + 1
      '9223372036854775808', // 2⁶³
      '18446744073709551619', // 2⁶⁴ + 3
    ].map((length) => withFields(`Content-Length: ${length}`)),
  },
  {
    id: 'S5',
    title: 'a Transfer-Encoding that does not end in chunked',
    status: 400,
    requests: ['gzip', 'chunked, gzip', 'identity', 'xchunked', 'chunked;q=1', '"chunked"'].map(
      (coding) => withFields(`Transfer-Encoding: ${coding}`),
    ),
  },
  {
    id: 'S6',
    title: 'a transfer coding before chunked is not implemented',
    status: 501,
    requests: ['gzip, chunked', 'identity, chunked'].map((coding) =>
      withFields(`Transfer-Encoding: ${coding}`),
    ),
  },
  {
    id: 'S7',
    title: 'Transfer-Encoding in HTTP/1.0',
    status: 400,
    requests: [{ ...chunk('3'), version: 'HTTP/1.0' }],
  },
  {
    id: 'S8',
    title: 'chunked twice',
    status: 400,
    requests: [
      withFields('Transfer-Encoding: chunked, chunked'),
      withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    ],
  },
  {
    id: 'S9',
    title: 'chunks that are not written as chunks',
    status: 400,
    requests: [
      chunk('0x3'),
      chunk('+3'),
      chunk('-3'),
      chunk(''),
      chunk('3 '),
      chunk('fffffffffffffffff'),
      chunked('3\r\nabcd\r\n0\r\n\r\n'),
      chunked('3\r\nabc0\r\n\r\n'),
      chunked('3\nabc\n0\n\n'),
      chunked('3\r\nabc\n0\r\n\r\n'),
    ],
  },
  {
    id: 'S10',
    title: 'a chunk extension of 20 KB',
    status: 431,
    requests: [chunk(`3;x=${'x'.repeat(20_000)}`)],
  },
  {
    id: 'S10',
    title: 'a megabyte of chunk extensions over many chunks',
    status: 400,
    requests: [chunked(`1;x=${'x'.repeat(1000)}\r\na\r\n`.repeat(1000))],
  },
  {
    id: 'S11',
    title: 'line ends inside chunk extensions',
    status: 400,
    requests: [
      chunk('3;x\n'),
      chunk('3;x\r'),
      chunk('3;x=a\nb'),
      chunk('3;x=a\rb'),
      chunk('3;x="a\r\nb"'),
    ],
  },
  {
    id: 'S12',
    title: 'a trailer that frames, or is not a field at all',
    status: 400,
    requests: [
      'Content-Length: 3',
      'Transfer-Encoding: gzip',
      'X : 1',
      ' X: 1',
      'X',
      'X: a\0b',
    ].map((field) => chunked(`3\r\nabc\r\n0\r\n${field}\r\n\r\n`)),
  },
  {
    id: 'S13',
    title: 'a flood of trailers',
    status: 431,
    requests: [chunked(`3\r\nabc\r\n0\r\n${'X-Trailer: 0123456789\r\n'.repeat(5000)}\r\n`)],
  },
  {
    id: 'S14',
    title: 'space before a colon, before a name, and folded lines',
    status: 400,
    requests: [
      withFields('Content-Length : 3'),
      withFields('X-Tab\t: 1'),
      withFields(' Content-Length: 3'),
      withFields('X-Folded: 1', ' Content-Length: 3'),
      withFields('X-Folded: 1', '\tContent-Length: 3'),
      withFields(': 1'),
      withFields('X-No-Colon'),
    ],
  },
  {
    id: 'S15',
    title: 'a bare CR or a NUL in a value',
    status: 400,
    requests: [withFields('X: a\rb'), withFields('X: a\rContent-Length: 3'), withFields('X: a\0b')],
  },
  {
    id: 'S16',
    title: 'lines that end in a bare LF',
    status: 400,
    requests: [
      { fields: ['X: 1\nContent-Length: 3'] },
      { version: 'HTTP/1.1\nX: 1', fields: [] },
      { fields: ['X: 1\n\nGET http://a/ HTTP/1.1'] },
    ],
  },
  {
    id: 'S18',
    title: 'a version that is not 1.1 or 1.0',
    status: 505,
    requests: ['HTTP/2.0', 'HTTP/1.9', 'HTTP/3.0', 'HTTP/1.2'].map((version) => ({ version })),
  },
  {
    id: 'S18',
    title: 'a version that is none',
    status: 400,
    requests: ['http/1.1', 'HTTP/1', 'HTTP/11', 'HTTP/1.1 ', 'HTTX/1.1'].map((version) => ({
      version,
    })),
  },
  {
    id: 'S26',
    title: 'a Connection field that names framing or routing',
    status: 400,
    requests: ['content-length', 'Host', 'close, Transfer-Encoding', 'connection'].map((option) =>
      withFields('Content-Length: 3', `Connection: ${option}`),
    ),
  },
  {
    id: 'S27',
    title: 'a header section over spec.limits.headerBytes',
    status: 431,
    requests: [
      { fields: [`X-Long: ${'x'.repeat(17_000)}`] },
      { fields: Array.from({ length: 20 }, (_, at) => `X-${at}: ${'x'.repeat(1000)}`) },
      { fields: [`X-Very-Long: ${'x'.repeat(200_000)}`] },
    ],
  },
  {
    id: 'S27',
    title: 'more fields than spec.limits.headerCount',
    status: 431,
    requests: [{ fields: Array.from({ length: 100 }, (_, at) => `X-${at}: 1`) }],
  },
  {
    id: 'S27',
    title: 'a target over spec.limits.targetBytes',
    status: 414,
    requests: [{ path: `/${'x'.repeat(9000)}` }, { path: `/${'x'.repeat(40_000)}` }],
  },
  {
    id: 'S28',
    title: 'a method nobody here knows, or in lower case',
    status: 501,
    requests: ['BREW', 'get', 'GETT', 'G'].map((method) => ({ method })),
  },
];

for (const { id, title, status, requests } of refused) {
  test(`${id}: ${title}: ${status}, and the connection closes`, async (t) => {
    await Promise.all(
      requests.map((parts) => isRefused(t, request(origin.authority, parts), status)),
    );
  });
}

test('S9: a chunk that is none ends the request at the origin, which never sees its end', async (t) => {
  const seen = Promise.withResolvers<Peer>();
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    seen.resolve(peer);
  });
  const client = await connectPeer(t, proxies.portOf.open);
  client.send(request(authority, chunked('3\r\nabc\r\n')));
  const upstream = await seen.promise;

  client.send('zz\r\n');

  t.is((await client.message()).status, 400);
  t.is((await client.rest()).end, 'fin');
  t.notRegex((await upstream.rest()).text, /0\r\n\r\n/);
});

test('S9: a body that is broken from its first byte is nothing the origin hears of', async (t) => {
  const { authority, connections } = await startScriptedOrigin(t, answering(ok));
  const broken = await connectPeer(t, proxies.portOf.open);

  broken.send(request(authority, chunked('zz\r\n')));

  t.is((await broken.message()).status, 400);
  t.is((await broken.rest()).end, 'fin');
  const sound = await connectPeer(t, proxies.portOf.open);
  sound.send(request(authority, withFields('Content-Length: 3')));
  t.is((await sound.message()).status, 200);
  t.is(connections.length, 1);
});

test('S12: trailers are dropped, none becomes a field of the request', async (t) => {
  const trailers = ['X-Trailer', 'Trailer', 'Host', 'Authorization', 'Connection'];
  const lines = trailers.map((name) => `${name}: evil\r\n`).join('');
  const client = await connectPeer(t, proxies.portOf.open);

  client.send(request(origin.authority, chunked(`3\r\nabc\r\n0\r\n${lines}\r\n`)));

  const answer = await client.message();
  t.is(answer.status, 200);
  t.notRegex(answer.body, /evil/);
  t.regex(answer.body, /"length":3/);
});

for (const line of ['GET http://ORIGIN/', 'GET /', 'POST http://ORIGIN/echo']) {
  test(`S17: a request line without a version is no request: ${line}`, async (t) => {
    const start = line.replace('ORIGIN', origin.authority);
    for (const eol of ['\r\n', '\n']) {
      const head = [start, `Host: ${origin.authority}`, 'Content-Length: 3', '', 'abc'];
      await isRefused(t, head.join(eol), 400);
    }
  });
}

test('S19: the preface of HTTP/2 is not answered as if it were understood', async (t) => {
  const client = await connectPeer(t, proxies.portOf.open);

  client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');

  const { text } = await client.rest();
  t.regex(text, /^(HTTP\/1\.1 (400|505) |$)/);
});

test('S20: empty lines before a request are skipped', async (t) => {
  const client = await connectPeer(t, proxies.portOf.open);

  client.send(`\r\n\r\n${request(origin.authority)}\r\n${request(origin.authority)}`);

  t.is((await client.message()).status, 200);
  t.is((await client.message()).status, 200);
});

test('S21: bytes after the last request are ignored, and its answer arrives whole', async (t) => {
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const body = 'x'.repeat(400_000);
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    asked.resolve();
    await go.promise;
    peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  const client = await connectPeer(t, proxies.portOf.open);
  const smuggled = request(origin.authority, { path: smuggledPath });

  client.send(request(authority, { fields: ['Connection: close'] }) + smuggled);
  await asked.promise;
  client.send(`${smuggled}\0no HTTP at all\r\n\r\n`.repeat(20_000));
  go.resolve();

  const answer = await client.message();
  t.is(answer.status, 200);
  t.is(answer.field('connection'), 'close');
  t.is(answer.body.length, body.length);
  t.deepEqual(await client.rest(), { text: '', end: 'fin' });
});

const bodies = [
  { framing: 'chunked', fields: ['Transfer-Encoding: chunked'], body: '3\r\nabc\r\n0\r\n\r\n' },
  { framing: 'length', fields: ['Content-Length: 3'], body: 'abc' },
] as const;

for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
  for (const { framing, fields, body } of bodies) {
    test(`S22: ${method} with a body (${framing}) goes on with its body`, async (t) => {
      const seen: Message[] = [];
      const { authority } = await startScriptedOrigin(t, async (peer) => {
        for (;;) {
          seen.push(await peer.message());
          peer.send(method === 'HEAD' ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' : ok);
        }
      });
      const client = await connectPeer(t, proxies.portOf.open);

      for (const path of ['/first', '/second']) {
        client.send(request(authority, { method, path, fields, body }));
        t.is((await client.message({ bodyless: method === 'HEAD' })).status, 200);
      }

      const lines = seen.map(({ startLine, ...rest }) => [startLine, rest.body]);
      t.deepEqual(lines, [
        [`${method} /first HTTP/1.1`, 'abc'],
        [`${method} /second HTTP/1.1`, 'abc'],
      ]);
      // A chunked body that is there already may go on as one of known length; never as both.
      for (const each of seen) {
        const [length, coding] = [each.field('content-length'), each.field('transfer-encoding')];
        t.true((length === '3') !== (coding === 'chunked'), `${length} ${coding}`);
      }
    });
  }
}

test('S23: pipelined requests are answered in order, and reach their origins in order', async (t) => {
  const [slowAsked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    slowAsked.resolve();
    await go.promise;
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow');
  });
  const quick = await startScriptedOrigin(t, answering(ok));
  const client = await connectPeer(t, proxies.portOf.open);

  client.send(
    request(slow.authority, { method: 'POST', fields: ['Content-Length: 1'], body: 'x' }) +
      request(quick.authority) +
      request(quick.authority, { version: 'HTTP/1.0' }),
  );
  await slowAsked.promise;
  // Another client is served meanwhile: the second request would have been, too.
  const other = await connectPeer(t, proxies.portOf.open);
  other.send(request(origin.authority));
  await other.message();
  const askedMeanwhile = quick.connections.length;
  go.resolve();

  t.is(askedMeanwhile, 0);
  t.is((await client.message()).body, 'slow');
  t.is((await client.message()).body, 'ok');
  t.is((await client.message()).body, 'ok');
  t.is((await client.rest()).end, 'fin');
});

test('S23: after bytes that are no request the answers due still come, then the refusal', async (t) => {
  const client = await connectPeer(t, proxies.portOf.open);

  client.send(`${request(origin.authority).repeat(3)}NOT HTTP\r\n\r\n${request(origin.authority)}`);

  for (const _ of [1, 2, 3]) t.is((await client.message()).status, 200);
  const last = await client.message();
  t.true([400, 501].includes(last.status));
  t.is(last.field('connection'), 'close');
  t.deepEqual(await client.rest(), { text: '', end: 'fin' });
});

for (const requests of [1, 3]) {
  test(`S23: a pipelined CONNECT waits for the answers before it: ${requests}`, async (t) => {
    const size = 2_000_000;
    const big = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`;
    const { authority } = await startScriptedOrigin(t, answering(big));
    const echo = await startScriptedOrigin(t, async (peer) => {
      for (;;) peer.send(await peer.bytes(5));
    });
    const client = await connectPeer(t, proxies.portOf.open);

    const connect = `CONNECT ${echo.authority} HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.send(`${request(authority).repeat(requests)}${connect}early`);
    for (let at = 0; at < requests; at++) t.is((await client.message()).body.length, size);
    client.send('after');

    t.is((await client.head()).status, 200);
    t.is(await client.bytes(10), 'earlyafter');
    client.send('later');
    t.is(await client.bytes(5), 'later');
  });
}

test('S23: a thousand pipelined requests are answered, one at a time', async (t) => {
  let [underWay, most] = [0, 0];
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    for (;;) {
      await peer.message();
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
      peer.send(ok);
    }
  });
  const client = await connectPeer(t, proxies.portOf.open);

  client.send(request(authority).repeat(1000));

  for (let at = 0; at < 1000; at++) t.is((await client.message()).body, 'ok');
  t.is(most, 1);
});

test('S24: after an early answer neither side is used again', async (t) => {
  const { authority, connections } = await startScriptedOrigin(t, async (peer, index) => {
    await peer.head();
    peer.send(index === 0 ? 'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig' : ok);
  });
  const client = await connectPeer(t, proxies.portOf.open);
  const length = 20_000_000;

  client.send(request(authority, { method: 'PUT', fields: [`Content-Length: ${length}`] }));
  client.send('x'.repeat(length / 2));

  const answer = await client.message();
  t.is(answer.status, 413);
  t.is(answer.body, 'big');
  t.is(answer.field('connection'), 'close');
  t.deepEqual(await client.rest(), { text: '', end: 'fin' });
  await connections[0]?.rest();
  const again = await connectPeer(t, proxies.portOf.open);
  again.send(request(authority));
  t.is((await again.message()).status, 200);
  t.is(connections.length, 2);
});

test('S24: after a chunked request that was sent whole the connection is kept', async (t) => {
  const { authority, connections } = await startScriptedOrigin(t, answering(ok));
  const client = await connectPeer(t, proxies.portOf.open);

  for (const _ of [1, 2]) {
    client.send(request(authority, chunked('3\r\nabc\r\n0\r\n\r\n')));
    t.is((await client.message()).status, 200);
  }

  t.is(connections.length, 1);
});

test('S25: a field that only looks like Content-Length is any field', async (t) => {
  const client = await connectPeer(t, proxies.portOf.open);
  const fields = ['Content_Length: 7', 'content-length: 3', 'Content-Lengt: 9'];

  client.send(request(origin.authority, { method: 'POST', path: '/echo', fields, body: 'abc' }));

  const { rawHeaders, body } = JSON.parse((await client.message()).body);
  t.is(body.length, 3);
  t.true(rawHeaders.join().includes('Content_Length,7'));
  t.true(rawHeaders.join().includes('Content-Lengt,9'));
});

/** A byte every now and then, until the connection ends. */
function drip(t: ExecutionContext, { socket, send }: Peer, text: string, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    const byte = text[at++];
    if (byte === undefined || !socket.writable) clearInterval(timer);
    else send(byte);
  }, everyMs);
  socket.once('end', () => clearInterval(timer));
  t.teardown(() => clearInterval(timer));
}

for (const kept of [false, true]) {
  test(`S29: a head that comes byte by byte is 408 (${kept ? 'kept' : 'new'} connection)`, async (t) => {
    const client = await connectPeer(t, proxies.portOf.hasty);
    if (kept) {
      client.send(request(origin.authority));
      await client.message();
    }

    drip(t, client, request(origin.authority, { path: `/${'x'.repeat(500)}` }), 200);

    const answer = await client.message();
    t.is(answer.status, 408);
    t.regex(answer.field('proxy-status') ?? '', /error=/);
    t.regex(answer.body, /spec\.timeouts\.requestHeaders/);
    t.is((await client.rest()).end, 'fin');
  });
}

test('S30: an upload that stops is 408, and the origin is let go', async (t) => {
  const { authority, connections } = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
  });
  const client = await connectPeer(t, proxies.portOf.hasty);

  client.send(request(authority, { method: 'POST', fields: ['Content-Length: 10'], body: 'abc' }));

  const answer = await client.message();
  t.is(answer.status, 408);
  t.regex(answer.body, /spec\.timeouts\.bodyIdle/);
  t.is((await client.rest()).end, 'fin');
  t.notRegex((await connections[0]?.rest())?.text ?? '', /^HTTP/);
});

const unfinished = [
  ['by length', 'Content-Length: 10\r\n\r\nabc'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ['until closed', '\r\nabc'],
] as const;

for (const [framing, answer] of unfinished) {
  test(`S30: an answer (${framing}) that stops is cut off, never ended as if it were whole`, async (t) => {
    const { authority, connections } = await startScriptedOrigin(t, async (peer) => {
      await peer.message();
      peer.send(`HTTP/1.1 200 OK\r\n${answer}`);
    });
    const client = await connectPeer(t, proxies.portOf.hasty);

    client.send(request(authority));

    t.is((await client.head()).status, 200);
    const { text, end } = await client.rest();
    t.is(end, 'reset');
    t.notRegex(text, /0\r\n\r\n/);
    await connections[0]?.rest();
  });
}

test('S30: an origin that stops reading an upload is 504', async (t) => {
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    peer.socket.pause();
  });
  const client = await connectPeer(t, proxies.portOf.hasty);
  const length = 30_000_000;

  client.send(request(authority, { method: 'PUT', fields: [`Content-Length: ${length}`] }));
  client.send('x'.repeat(length));

  const answer = await client.message();
  t.is(answer.status, 504);
  t.regex(answer.field('proxy-status') ?? '', /error=connection_write_timeout/);
});

test('S30: a client that stops reading an answer is cut off, and the origin is let go', async (t) => {
  const { authority, connections } = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n${'x'.repeat(30_000_000)}`);
  });
  const client = await connectPeer(t, proxies.portOf.hasty);

  client.send(request(authority));
  await client.head();
  client.socket.pause();

  await proxies.up.accessLog(
    ({ target, code }) => target === authority && code === 'connection_read_timeout',
  );
  t.is((await connections[0]?.rest())?.end, 'reset');
});

test('S30: slow is not idle: bodies that keep moving pass in both directions', async (t) => {
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    const { body } = await peer.message();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n');
    drip(t, peer, body, 300);
  });
  const client = await connectPeer(t, proxies.portOf.hasty);

  client.send(request(authority, { method: 'POST', fields: ['Content-Length: 8'] }));
  drip(t, client, '12345678', 300);

  const answer = await client.message();
  t.is(answer.status, 200);
  t.is(answer.body, '12345678');
});

test('S31: a kept connection without a request is closed at spec.timeouts.idle', async (t) => {
  const client = await connectPeer(t, proxies.portOf.hasty);
  client.send(request(origin.authority));
  await client.message();

  t.deepEqual(await client.rest(), { text: '', end: 'fin' });
});

test('S31: beyond spec.limits.connections busy ones keep their place; a freed place is given again', async (t) => {
  const places = 5;
  const allAsked = Promise.withResolvers<void>();
  const { authority, connections } = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    if (connections.length === places) allAsked.resolve();
  });
  const busy = await Promise.all(
    Array.from({ length: places }, () => connectPeer(t, proxies.portOf.few)),
  );
  for (const client of busy) client.send(request(authority));
  await allAsked.promise;

  for (let at = 0; at < 20; at++) {
    const client = await connectPeer(t, proxies.portOf.few);
    const answer = await client.message();
    t.is(answer.status, 503);
    t.regex(answer.field('proxy-status') ?? '', /error=connection_limit_reached/);
    t.regex(answer.body, /spec\.limits\.connections/);
    t.is((await client.rest()).end, 'fin');
  }

  busy[0]?.socket.resetAndDestroy();
  await proxies.up.accessLog(({ target, code }) => target === authority && code === 'client_gone');
  const next = await connectPeer(t, proxies.portOf.few);
  next.send(request(origin.authority));
  t.is((await next.message()).status, 200);
});
