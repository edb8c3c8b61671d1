import { once } from 'node:events';
import { constants } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { untilCopies } from '../support/copy-counts.ts';
import { testWorkers } from '../support/environment.ts';
import { type Http2Origin, startHttp2Origin } from '../support/http2-origin.ts';
import {
  http2To,
  mirrorTo,
  type RouteSpec,
  type Routes,
  startRoutes,
} from '../support/mirror-route.ts';
import { startOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';
import { startAsking } from '../support/route-load.ts';
import { chunkedBody, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// Backends and mirrors that are spoken to over HTTP/2 (RFC 9113), by clients of HTTP/1.1.

const scope = fileScope();

const names = [
  ...['fields', 'interim', 'at-once', 'few', 'refused', 'failed', 'away', 'early'],
  ...['slow', 'gone', 'upgrade', 'copied'],
] as const;
type Name = (typeof names)[number];

let origins: Readonly<Record<Name, Http2Origin>>;
let routes: Routes<Name>;

test.before('a route and a backend for each test', async () => {
  const started = names.map(async (name) => {
    const settings = name === 'few' ? { maxConcurrentStreams: 1 } : {};
    return [name, await startHttp2Origin(scope, settings)] as const;
  });
  origins = Object.fromEntries(await Promise.all(started)) as Record<Name, Http2Origin>;
  const plain = await startOrigin(scope);
  const specs = names.map((name): readonly [Name, RouteSpec] => [name, http2To(origins[name])]);
  routes = await startRoutes<Name>(scope, {
    ...(Object.fromEntries(specs) as Record<Name, RouteSpec>),
    copied: {
      rules: [
        {
          backendRefs: [{ url: plain.url }],
          mirrors: [
            mirrorTo(plain, {
              backendRef: { url: `http://${origins.copied.authority}`, protocol: 'HTTP2' },
            }),
          ],
        },
      ],
    },
  });
});

const connect = (t: ExecutionContext, name: Name) => connectPeer(t, routes.portOf[name]);
test('a request of HTTP/1.1 comes as HTTP/2 has it, and its answer as HTTP/1.1 has it', async (t) => {
  const client = await connect(t, 'fields');
  const fields = [
    'X-Name: Val\xfce',
    'Connection: X-Hop',
    'X-Hop: 1',
    'TE: trailers',
    'Cookie: a=1',
  ];
  origins.fields.play(async (stream, headers) => {
    const body = (await buffer(stream)).toString();
    stream.respond({ ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'x-seen': String(body) });
    stream.end(JSON.stringify(headers), 'latin1');
  });

  client.send(requestText({ method: 'POST', target: '/a?b=%20', fields, body: 'hello' }));
  const answer = await client.message();

  t.is(answer.startLine, 'HTTP/1.1 201 Created');
  t.is(answer.framing, 'chunked');
  t.is(answer.field('set-cookie'), 'a=1, b=2');
  t.is(answer.field('x-seen'), 'hello');
  t.is(answer.field('via'), '2 fields.test');
  t.deepEqual(JSON.parse(answer.body), {
    ':method': 'POST',
    ':path': '/a?b=%20',
    ':scheme': 'http',
    ':authority': 'shop.example',
    'content-length': '5',
    cookie: 'a=1',
    te: 'trailers',
    via: '1.1 fields.test',
    'x-forwarded-for': '127.0.0.1',
    'x-name': 'Val\xfce',
  });
});

test('1xx answers go on, and so does a body in chunks', async (t) => {
  const client = await connect(t, 'interim');
  origins.interim.play(async (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</style.css>' });
    const body = await buffer(stream);
    stream.respond({ ':status': 200, 'content-length': '5' });
    stream.end(body);
  });

  client.send(requestText({ method: 'PUT', fields: ['Transfer-Encoding: chunked'] }));
  client.send(chunkedBody('he', 'llo'));

  t.is((await client.head()).field('link'), '</style.css>');
  const answer = await client.message();
  t.is(answer.framing, 'length');
  t.is(answer.body, 'hello');
});

test('requests share a connection, a hundred at once; more get another one', async (t) => {
  const held: (() => void)[] = [];
  const all = Promise.withResolvers<void>();
  origins['at-once'].play((stream) => {
    held.push(() => {
      stream.respond();
      stream.end();
    });
    if (held.length === 150) all.resolve();
  });
  const clients = await Promise.all(Array.from({ length: 150 }, () => connect(t, 'at-once')));

  for (const client of clients) client.send(requestText());
  await all.promise;
  const { sessions } = origins['at-once'];
  t.true(sessions.length <= 2 * testWorkers, `${sessions.length} connections`);
  for (const answer of held) answer();

  const statuses = await Promise.all(clients.map(async (client) => (await client.head()).status));
  t.deepEqual(new Set(statuses), new Set([200]));
});

test('a backend that takes one request at a time is sent one at a time over each connection', async (t) => {
  let most = 0;
  const open = new Map<unknown, number>();
  origins.few.play((stream, _headers, session) => {
    const now = (open.get(session) ?? 0) + 1;
    open.set(session, now);
    most = Math.max(most, now);
    setImmediate(() => {
      open.set(session, (open.get(session) ?? 0) - 1);
      stream.respond();
      stream.end();
    });
  });
  const load = await startAsking(t, routes.portOf.few, 8);

  await load.more(400);
  await load.stop();

  t.deepEqual(load.failures, []);
  t.is(most, 1);
});

test('a request that was refused unread is sent again if that is safe, and no other', async (t) => {
  const client = await connect(t, 'refused');
  const asked: string[] = [];
  origins.refused.play((stream, { ':method': method = '' }) => {
    asked.push(method);
    if (asked.length % 2 === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.respond();
    return stream.end();
  });

  client.send(requestText());
  t.is((await client.message()).status, 200);
  client.send(requestText({ method: 'POST', body: 'x' }));
  t.is((await client.message()).status, 502);
  t.deepEqual(asked, ['GET', 'GET', 'POST']);
});

test('a reset instead of an answer is told with its reason', async (t) => {
  const client = await connect(t, 'failed');
  origins.failed.play((stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));

  client.send(requestText());
  const { status, body } = await client.message();

  t.is(status, 502);
  t.regex(body, /the origin reset the stream: ENHANCE_YOUR_CALM/);
});

test('a backend that leaves its connections one by one loses no request', async (t) => {
  let asked = 0;
  origins.away.play(async (stream, _headers, session) => {
    asked += 1;
    if (asked % 10 === 0) session.close(); // GOAWAY; what is under way is answered
    await buffer(stream);
    stream.respond();
    stream.end('x');
  });
  const load = await startAsking(t, routes.portOf.away, 1);

  await load.more(300);
  await load.stop();

  t.deepEqual(load.failures, []);
  t.true(origins.away.sessions.length >= 20);
});

test('an answer that comes before the request was read reaches its client', async (t) => {
  const client = await connect(t, 'early');
  origins.early.play((stream) => {
    stream.respond({ ':status': 413 });
    stream.end('too much', () => stream.close(constants.NGHTTP2_NO_ERROR));
  });

  const length = 64 * 1024 * 1024;
  client.send(requestText({ method: 'POST', fields: [`Content-Length: ${length}`] }));
  client.send('x'.repeat(1024 * 1024));
  const answer = await client.message();

  t.is(answer.status, 413);
  t.is(answer.body, 'too much');
});

test('a client that reads slowly holds up its backend, and gets everything', async (t) => {
  const client = await connect(t, 'slow');
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  let written = 0;
  const blocked = Promise.withResolvers<void>();
  origins.slow.play(async (stream) => {
    stream.resume(); // without it Node resets what it answers, at times before the end
    stream.respond({ ':status': 200, 'content-length': 32 * megabyte.length });
    while (written < 32) {
      written += 1;
      if (stream.write(megabyte)) continue;
      const timer = setTimeout(blocked.resolve, 1_000); // nothing moved for so long
      await once(stream, 'drain');
      clearTimeout(timer);
    }
    stream.end();
  });

  client.send(requestText());
  await client.head();
  client.socket.removeAllListeners('data');
  client.socket.pause();
  await blocked.promise;
  t.true(written < 24, `${written} MiB are somewhere`);

  let received = client.unread.length;
  client.socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  client.socket.resume();
  while (received < 32 * megabyte.length) await once(client.socket, 'data');
  t.is(received, 32 * megabyte.length);
});

test('a client that leaves frees its backend', async (t) => {
  const client = await connect(t, 'gone');
  const code = Promise.withResolvers<number>();
  origins.gone.play((stream) => {
    stream.once('close', () => code.resolve(stream.rstCode));
    client.socket.resetAndDestroy();
  });

  client.send(requestText());

  t.is(await code.promise, constants.NGHTTP2_CANCEL);
});

test('nothing is upgraded over HTTP/2', async (t) => {
  const client = await connect(t, 'upgrade');
  const fields = ['Connection: Upgrade', 'Upgrade: websocket'];

  client.send(requestText({ fields }));
  const { status, body } = await client.message();

  t.is(status, 502);
  t.regex(body, /speaks HTTP\/2/);
});

test('a mirror of HTTP/2 gets copies of requests with and without bodies', async (t) => {
  const client = await connect(t, 'copied');
  const copies: string[] = [];
  origins.copied.play(async (stream, headers) => {
    const body = (await buffer(stream)).toString();
    copies.push([headers[':method'], headers[':path'], headers['x-mirrored-by'], body].join(' '));
    stream.respond();
    stream.end();
  });
  const mirrors = { resource: 'test/copied' };

  client.send(requestText({ target: '/a' }));
  await client.message();
  await untilCopies(routes.up, mirrors, { sent: { answered: 1 } });
  client.send(requestText({ method: 'POST', target: '/b', body: 'hello' }));
  await client.message();
  await untilCopies(routes.up, mirrors, { sent: { answered: 2 } });
  const large = 'x'.repeat(100_000);
  client.send(requestText({ method: 'POST', target: '/c', body: large }));
  await client.message();
  await untilCopies(routes.up, mirrors, { sent: { answered: 3 } });

  const mark = 'test/copied';
  t.deepEqual(copies, [`GET /a ${mark} `, `POST /b ${mark} hello`, `POST /c ${mark} ${large}`]);
});
