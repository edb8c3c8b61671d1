import {
  connect as connectHttp2c,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import { untilCopies } from '../support/copy-counts.ts';
import { askHttp2, frame, frameTypes } from '../support/http2-client.ts';
import { echo, startHttp2Origin } from '../support/http2-origin.ts';
import {
  caSecret,
  http2To,
  mirrorTo,
  type RouteSpec,
  startRoutes,
} from '../support/mirror-route.ts';
import { silent } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { startRecorder } from '../support/recorder.ts';
import { startAsking } from '../support/route-load.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { answering, startScriptedOrigin } from '../support/scripted-origin.ts';
import { makeCertificates } from '../support/tls.ts';

// What backends of HTTP/2 may do wrong, and what clients and connections that end may do to them.
// Each test has a backend and a process of its own: one after the other, or they would leave nothing
// of two cores to the tests beside them.

const protocol = 'HTTP2';
const adding = (name: string, value: string) => ({
  type: 'RequestHeaderModifier',
  requestHeaderModifier: { set: [{ name, value }] },
});

/** Reads frames of a client up to the head of its first request. */
async function firstRequest(peer: Peer): Promise<void> {
  await peer.bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.length);
  for (;;) {
    const head = Buffer.from(await peer.bytes(9), 'latin1');
    await peer.bytes(head.readUIntBE(0, 3));
    if (head.readUInt8(3) === frameTypes.headers) return;
  }
}

const { NGHTTP2_NO_ERROR: none, NGHTTP2_INTERNAL_ERROR: internal } = constants;
for (const { title, length = '', code, whole = false } of [
  { title: 'reset without an error', code: none },
  { title: 'reset without an error before what it said', length: '5', code: none },
  { title: 'reset with an error', code: internal },
  { title: 'reset without an error after all it said', length: '4', code: none, whole: true },
]) {
  test.serial(
    `an answer that is ${title} is whole for ${whole ? 'everybody' : 'nobody'}`,
    async (t) => {
      const backend = await startScriptedOrigin(t, async (peer) => {
        peer.send(frame.settings);
        await firstRequest(peer);
        const body = [frame.answer(1, length), frame.data(1, 'half'), frame.reset(1, code)];
        peer.send(Buffer.concat(body));
      });
      const { portOf } = await startRoutes(t, { shop: http2To(backend) });
      const client = await connectPeer(t, portOf.shop);

      client.send(requestText());
      const answer = await client.message().catch(() => null);

      t.is(answer?.body ?? null, whole ? 'half' : null);
    },
  );
}

test.serial('a request that its client breaks off is whole for no backend', async (t) => {
  const last = Promise.withResolvers<readonly number[]>();
  const backend = await startScriptedOrigin(t, async (peer) => {
    peer.send(frame.settings);
    await firstRequest(peer);
    client.socket.resetAndDestroy();
    for (;;) {
      const head = Buffer.from(await peer.bytes(9), 'latin1');
      const payload = Buffer.from(await peer.bytes(head.readUIntBE(0, 3)), 'latin1');
      const [type, isEnd] = [head.readUInt8(3), (head.readUInt8(4) & 1) === 1];
      if (type === frameTypes.data && isEnd) last.reject(new Error('the body ended'));
      if (type === frameTypes.reset) last.resolve([...payload]);
    }
  });
  const { portOf } = await startRoutes(t, { shop: http2To(backend) });
  const client = await connectPeer(t, portOf.shop);

  client.send(requestText({ method: 'POST', fields: ['Transfer-Encoding: chunked'] }));
  client.send('4\r\nhalf\r\n');

  t.deepEqual(await last.promise, [0, 0, 0, constants.NGHTTP2_CANCEL]);
});

for (const how of ['resetAndDestroy', 'destroy'] as const) {
  test.serial(
    `requests in flight on a connection that ends (${how}) are sent once more, and the thread lives`,
    async (t) => {
      const server = createServer();
      let asked = 0;
      const sockets: Socket[] = [];
      server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        asked += 1;
        if (asked === 3) sockets[0]?.[how]();
        else if (asked > 3) void echo(stream, headers);
      });
      const backend = await startTcpOrigin(t, (socket) => {
        sockets.push(socket);
        server.emit('connection', socket);
      });
      const { up, portOf } = await startRoutes(t, { shop: http2To(backend) }, { workers: 1 });
      const clients = await Promise.all([1, 2, 3].map(() => connectPeer(t, portOf.shop)));

      for (const client of clients) client.send(requestText());
      const answers = await Promise.all(clients.map((client) => client.message()));

      t.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      );
      t.false(up.stderr.all.some((line) => line.includes('died')));
    },
  );
}

for (const [what, speaks] of [
  ['HTTP/1.1', 'HTTP1'],
  ['HTTP/2', 'HTTP2'],
] as const) {
  test.serial(
    `a request over HTTP/2 that is answered early is not copied as if it were whole (${what} backend)`,
    async (t) => {
      const plain = await startScriptedOrigin(t, async (peer) => {
        await peer.head();
        await peer.saw('half');
        peer.send(answerText('no', ['Connection: close'], '403 Forbidden'));
        await peer.rest();
      });
      const backend = await startHttp2Origin(t);
      backend.play((stream) => {
        stream.once('data', () => {
          stream.respond({ ':status': 403 });
          void stream.end('no');
        });
      });
      const { authority } = speaks === 'HTTP1' ? plain : backend;
      const mirror = await startRecorder(t);
      const rule = {
        backendRefs: [{ url: `http://${authority}`, protocol: speaks }],
        mirrors: [mirrorTo(mirror)],
      };
      const { up, portOf } = await startRoutes(t, { shop: { rules: [rule] } });
      const session = connectHttp2c(`http://127.0.0.1:${portOf.shop}`);
      t.teardown(() => session.destroy());

      const stream = session.request({ ':path': '/', ':method': 'POST' });
      stream.on('error', () => undefined);
      stream.write('half');
      t.is((await buffer(stream)).toString(), 'no');

      await untilCopies(up, { resource: 'test/shop' }, { skipped: { incomplete: 1 } });
      t.deepEqual(mirror.received, []);
    },
  );
}

test.serial('an answer to HEAD whose end comes by itself ends for the client', async (t) => {
  const backend = await startScriptedOrigin(t, async (peer) => {
    peer.send(frame.settings);
    await firstRequest(peer);
    peer.send(Buffer.concat([frame.answer(1, '4'), frame.data(1, '', true)]));
    await peer.rest();
  });
  const { portOf } = await startRoutes(t, { shop: http2To(backend) });
  const session = connectHttp2c(`http://127.0.0.1:${portOf.shop}`);
  t.teardown(() => session.destroy());

  const { status, body } = await askHttp2(session, { ':method': 'HEAD' });

  t.is(status, 200);
  t.is(body, '');
});

test.serial('trailers larger than heads may be break the answer off', async (t) => {
  const backend = await startHttp2Origin(t);
  backend.play((stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-much': 'x'.repeat(30_000) }));
    stream.end('x');
  });
  const { portOf } = await startRoutes(t, { shop: http2To(backend) });
  const session = connectHttp2c(`http://127.0.0.1:${portOf.shop}`);
  t.teardown(() => session.destroy());

  const stream = session.request({ ':path': '/' });

  await t.throwsAsync(buffer(stream), { message: /INTERNAL_ERROR/ });
  t.false(session.destroyed);
});

for (const [name, arrives] of [
  ['x-checksum', true],
  ['http2-settings', false],
  ['te', false],
  ['host', false],
] as const) {
  test.serial(
    `a trailer ${name} ${arrives ? 'goes on' : 'is dropped'}, and the connection serves on`,
    async (t) => {
      const backend = await startScriptedOrigin(t, async (peer) => {
        peer.send(frame.settings);
        await firstRequest(peer);
        const answer = [
          frame.answer(1),
          frame.data(1, 'hello'),
          frame.trailers(1, name, 'trailers'),
        ];
        peer.send(Buffer.concat(answer));
        await peer.rest();
      });
      const { portOf } = await startRoutes(t, { shop: http2To(backend) });
      const session = connectHttp2c(`http://127.0.0.1:${portOf.shop}`);
      t.teardown(() => session.destroy());
      const stream = session.request({ ':path': '/' });
      let trailers = {};
      stream.on('trailers', (fields) => {
        trailers = fields;
      });

      t.is((await buffer(stream)).toString(), 'hello');
      t.is(Object.hasOwn(trailers, name), arrives);
      await new Promise((resolve) => session.ping(resolve));
      t.false(session.destroyed);
    },
  );
}

test.serial(
  'a backend that speaks HTTP/1.1 only is told of, and its next request is answered',
  async (t) => {
    const backend = await startScriptedOrigin(t, answering(answerText('hello')));
    const { portOf } = await startRoutes(t, { shop: http2To(backend) });
    const client = await connectPeer(t, portOf.shop);

    for (const _ of [1, 2]) {
      client.send(requestText());
      const { status, body } = await client.message();
      t.is(status, 502);
      t.regex(body, /the origin does not speak HTTP\/2/);
    }
  },
);

test.serial(
  'requests that came before the backend said how many it takes are spread over connections',
  async (t) => {
    const backend = await startHttp2Origin(t, { maxConcurrentStreams: 1 });
    const release = Promise.withResolvers<void>();
    backend.play(async (stream, { ':path': path }) => {
      if (path === '/slow') await release.promise;
      stream.respond();
      stream.end();
    });
    const { portOf } = await startRoutes(t, { shop: http2To(backend) }, { workers: 1 });
    const clients = await Promise.all([1, 2, 3, 4].map(() => connectPeer(t, portOf.shop)));

    for (const [at, client] of clients.entries()) {
      client.send(requestText({ target: at === 0 ? '/slow' : '/' }));
    }
    const others = await Promise.all(clients.slice(1).map((client) => client.message()));
    release.resolve();

    t.deepEqual(
      others.map(({ status }) => status),
      [200, 200, 200],
    );
    t.is((await clients[0]?.message())?.status, 200);
  },
);

test.serial('a head as large as it may be hurts no other request on its connection', async (t) => {
  const backend = await startHttp2Origin(t, { maxHeaderListSize: 262_144 });
  const open = Promise.withResolvers<void>();
  backend.play((stream, { ':path': path }) => {
    stream.respond();
    if (path !== '/open') return stream.end('x');
    stream.write('x');
    return open.resolve();
  });
  const limits = { headerBytes: 65_536, headerCount: 1000 };
  const { portOf } = await startRoutes(
    t,
    { shop: { ...http2To(backend), limits } },
    { workers: 1 },
  );
  const [one, two] = await Promise.all([1, 2].map(() => connectPeer(t, portOf.shop)));
  one?.send(requestText({ target: '/open' }));
  await open.promise;

  const fields = Array.from({ length: 980 }, (_, at) => `X-${at}: ${'v'.repeat(56)}`);
  two?.send(requestText({ fields }));
  t.is((await two?.message())?.status, 200);
  two?.send(requestText());
  t.is((await two?.message())?.status, 200);
  t.is(backend.sessions.length, 1);
});

test.serial(
  'an answer before the end of the request leaves nothing open at the backend',
  async (t) => {
    const backend = await startHttp2Origin(t);
    const closed = Promise.withResolvers<void>();
    backend.play((stream) => {
      stream.resume();
      stream.once('close', closed.resolve);
      stream.respond({ ':status': 413 });
      stream.end('too much');
    });
    const { portOf } = await startRoutes(t, { shop: http2To(backend) });
    const client = await connectPeer(t, portOf.shop);

    client.send(requestText({ method: 'POST', fields: ['Content-Length: 1000000'] }));
    client.send('x'.repeat(1000));
    t.is((await client.message()).status, 413);

    await closed.promise;
  },
);

test.serial(
  'a connection that is not needed any more is closed, though the backend keeps its half',
  async (t) => {
    const closed = Promise.withResolvers<void>();
    const server = createServer();
    server.on('stream', echo);
    const backend = await startTcpOrigin(t, (socket) => {
      socket.allowHalfOpen = true;
      server.emit('connection', socket);
    });
    const spec = (value: string): RouteSpec =>
      http2To(backend, { filters: [adding('X-Edit', value)] });
    const { up, portOf, edited } = await startRoutes(t, { shop: spec('0') });
    const client = await connectPeer(t, portOf.shop);
    client.send(requestText());
    t.is((await client.message()).status, 200);
    for (const socket of backend.sockets) socket.once('close', closed.resolve);

    await up.apply(edited({ shop: spec('1') }), 'shop');

    await closed.promise;
  },
);

test.serial('a backend over TLS that does not offer HTTP/2 is sent nothing', async (t) => {
  const { ca, ...certificate } = await makeCertificates(t);
  const backend = await startScriptedOrigin(t, answering(answerText('hello')), certificate);
  const port = backend.authority.slice(backend.authority.lastIndexOf(':'));
  const tls = { caCertificateRefs: [{ name: 'backends' }] };
  const rules = [{ backendRefs: [{ url: `https://localhost${port}`, protocol, tls }] }];
  const documents = caSecret('backends', ca);
  const { portOf } = await startRoutes(t, { shop: { rules } }, { documents });
  const client = await connectPeer(t, portOf.shop);

  client.send(requestText());
  const { status, body } = await client.message();

  t.is(status, 502);
  t.regex(body, /the origin does not offer HTTP\/2/);
  t.is(backend.connections[0]?.unread ?? '', '');
});

test.serial(
  'a backend that takes connections and says nothing is waited for as long as connecting may take',
  async (t) => {
    const backend = await startTcpOrigin(t, silent);
    const timeouts = { connect: '1s' };
    const { portOf } = await startRoutes(t, { shop: { ...http2To(backend), timeouts } });
    const client = await connectPeer(t, portOf.shop);

    client.send(requestText());
    const { status, body } = await client.message();

    t.is(status, 504);
    t.regex(body, /no HTTP\/2 in time \(spec\.timeouts\.connect\)/);
  },
);

test.serial('a backend whose connection died silently is connected to again', async (t) => {
  const server = createServer();
  server.on('stream', echo);
  const first: Socket[] = [];
  const backend = await startTcpOrigin(t, (socket) => {
    if (first.push(socket) > 1) return void server.emit('connection', socket);
    silent(socket);
    socket.write(frame.settings); // and never anything more, not even to a PING
  });
  const rules = http2To(backend, { timeouts: { request: '1s' } });
  const { portOf } = await startRoutes(t, { shop: rules }, { workers: 1 });
  const client = await connectPeer(t, portOf.shop);

  client.send(requestText());
  t.is((await client.message()).status, 504);
  client.send(requestText());
  t.is((await client.message()).status, 200);
});

test.serial('edits under load: no request over HTTP/2 to a backend fails', async (t) => {
  const backend = await startHttp2Origin(t);
  const spec = (value: string): RouteSpec =>
    http2To(backend, { filters: [adding('X-Edit', value)] });
  const { up, portOf, edited } = await startRoutes(t, { shop: spec('0') });
  const load = await startAsking(t, portOf.shop, 8);

  for (let edit = 1; edit <= 20; edit += 1) {
    await up.apply(edited({ shop: spec(String(edit)) }), 'shop');
    await load.more(20);
  }
  await load.stop();

  t.deepEqual(load.failures, []);
});
