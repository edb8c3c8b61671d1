import { createHash } from 'node:crypto';
import { once } from 'node:events';
import test from 'ava';
import { WebSocket } from 'ws';
import { ask, isBadGateway } from '../support/ask.ts';
import { untilCopies } from '../support/copy-counts.ts';
import { untilMetric } from '../support/metrics.ts';
import { caSecret, type Routes, startRoutes } from '../support/mirror-route.ts';
import { oddAnswers } from '../support/mirror-targets.ts';
import { startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';
import { type ScriptedOrigin, startScriptedOrigin } from '../support/scripted-origin.ts';
import { makeAuthority } from '../support/tls.ts';
import { startWebsocketEcho } from '../support/websocket-echo.ts';

// What is told apart on a connection without TLS is told apart on one with TLS. One process serves
// the file.
const scope = fileScope();

type Script = (backend: Peer, index: number) => Promise<void>;
const staged = ['continue', 'version', 'reset', 'cut', 'dead', 'endless', 'forged'] as const;
type Staged = (typeof staged)[number];
type Name = Staged | 'bulk' | 'sockets' | 'untrusted-sockets' | 'copied' | `odd-${number}`;

let routes: Routes<Name>;
let mirror: Recorder;
const scripts = new Map<Staged, Script>();
const origins = new Map<Staged, ScriptedOrigin>();

test.before('a route for each test', async () => {
  const authority = await makeAuthority(scope);
  const leaf = await authority.issue();
  const trusted = { caCertificateRefs: [{ name: 'ca' }] };
  const to = (peer: { readonly authority: string }, tls: object = trusted) => ({
    rules: [{ backendRefs: [{ url: `https://${peer.authority}`, tls }] }],
  });
  for (const name of staged) {
    const serve: Script = (peer, index) =>
      scripts.get(name)?.(peer, index) ?? Promise.reject(new Error('no script'));
    origins.set(name, await startScriptedOrigin(scope, serve, leaf));
  }
  const stageSpecs = [...origins].map(([name, origin]) => [name, to(origin)] as const);

  const primary = await startRecorder(scope);
  const copiedTo = (peer: { readonly authority: string }) => ({
    rules: [
      {
        backendRefs: [{ url: `http://${primary.authority}` }],
        mirrors: [
          {
            name: 'canary',
            backendRef: { url: `https://${peer.authority}` },
            tls: trusted,
            circuitBreaker: { consecutiveFailures: 0 },
          },
        ],
      },
    ],
  });
  const odd = await Promise.all(
    oddAnswers.map(async ({ behave }, at) => {
      const peer = await startTcpOrigin(scope, behave, leaf);
      return [`odd-${at}`, copiedTo(peer)] as const;
    }),
  );
  mirror = await startRecorder(scope, undefined, leaf);
  const echo = await startWebsocketEcho(scope, { tls: leaf });
  routes = await startRoutes<Name>(
    scope,
    {
      ...(Object.fromEntries(stageSpecs) as Record<Staged, ReturnType<typeof to>>),
      ...Object.fromEntries(odd),
      bulk: to(await startOrigin(scope, { tls: leaf })),
      sockets: to(echo),
      'untrusted-sockets': to(echo, { ...trusted, hostname: 'other.test' }),
      copied: copiedTo(mirror),
    },
    { documents: caSecret('ca', authority.ca) },
  );
});

const head = (...fields: readonly string[]) => `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`;

test('100 Continue that nobody asked for is taken out', async (t) => {
  scripts.set('continue', async (backend) => {
    await backend.message();
    backend.send(`HTTP/1.1 100 Continue\r\n\r\n${answerText('after it')}`);
  });

  const answer = await ask(t, routes.portOf.continue, requestText({ method: 'POST', body: 'x' }));

  t.is(answer.status, 200);
  t.is(answer.body, 'after it');
});

test('the version of an answer is known', async (t) => {
  scripts.set('version', async (backend) => {
    await backend.message();
    backend.send('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });

  const answer = await ask(t, routes.portOf.version, requestText());

  t.regex(answer.field('via') ?? '', /^1\.0 /);
});

for (const [name, how] of [
  ['reset', 'reset'],
  ['cut', 'end'],
] as const) {
  test(`an answer of a known length that is broken off by a ${how} is broken off for the client`, async (t) => {
    const delivered = Promise.withResolvers<void>();
    scripts.set(name, async (backend) => {
      await backend.message();
      backend.send(`${head('Content-Length: 100')}half`);
      await delivered.promise;
      for (const socket of origins.get(name)?.sockets ?? []) {
        if (how === 'reset') socket.resetAndDestroy();
        else socket.end();
      }
    });
    const client = await connectPeer(t, routes.portOf[name]);

    client.send(requestText());
    await client.saw('half');
    delivered.resolve();

    t.is((await client.rest()).end, 'reset');
  });
}

for (const [name, what, code] of [
  ['endless', 'a reset', 'http_response_incomplete'],
  ['forged', 'what somebody else sends', 'tls_protocol_error'],
] as const) {
  test(`${what} is no end of an answer without a length`, async (t) => {
    const delivered = Promise.withResolvers<void>();
    scripts.set(name, async (backend) => {
      await backend.message();
      backend.send(`${head('Connection: close')}some of it`);
      await delivered.promise;
      for (const socket of origins.get(name)?.sockets ?? []) {
        if (name === 'endless') socket.resetAndDestroy();
        else socket.end('outside of TLS');
      }
    });
    const client = await connectPeer(t, routes.portOf[name]);

    client.send(requestText());
    await client.saw('some of it');
    delivered.resolve();

    t.is((await client.rest()).end, 'reset');
    const labels = `resource="test/${name}",error_type="${code}"`;
    await untilMetric(routes.up, `headgate_mirror_route_upstream_errors_total{${labels}}`, 1);
  });
}

test('a kept connection that is dead is noticed, and the request sent once more', async (t) => {
  scripts.set('dead', async (backend, index) => {
    await backend.message();
    backend.send(answerText(`connection ${index}`));
    await backend.message();
    if (index === 0) backend.socket.destroy();
    else backend.send(answerText(`connection ${index} again`));
  });
  const { client, body } = await ask(t, routes.portOf.dead, requestText());
  t.is(body, 'connection 0');

  client.send(requestText());

  t.is((await client.message()).body, 'connection 1');
});

test('megabytes go both ways unchanged, at the pace of the slower side', async (t) => {
  const body = Buffer.alloc(16 * 1024 * 1024, 'headgate ').toString('latin1');

  const echoed = await ask(
    t,
    routes.portOf.bulk,
    requestText({ method: 'POST', target: '/echo', body }),
  );
  t.like(JSON.parse(echoed.body), {
    body: { length: body.length, sha256: createHash('sha256').update(body).digest('hex') },
  });

  const answer = await ask(t, routes.portOf.bulk, requestText({ target: `/bytes/${body.length}` }));
  t.is(answer.body.length, body.length);
});

test('a websocket goes over TLS too, and its bytes are counted as they are inside', async (t) => {
  const websocket = new WebSocket(`ws://127.0.0.1:${routes.portOf.sockets}/`);
  t.teardown(() => websocket.terminate());
  await once(websocket, 'open');

  const sent = Buffer.alloc(300_000, 7);
  websocket.send(sent);
  const [received] = await once(websocket, 'message');
  t.true(sent.equals(received));
  websocket.close(1000, 'bye');
  const [code] = await once(websocket, 'close');

  t.is(code, 1000);
  // RFC 6455 §5.2: headers of 10 and 2 bytes, a status of 2 and its reason of 3, and no mask.
  const bytes = 'headgate_mirror_route_bytes_total{resource="test/sockets",direction="sent"}';
  await untilMetric(routes.up, bytes, 10 + sent.length + 2 + 2 + 3);
});

test('a websocket to a backend that is not trusted is refused', async (t) => {
  const fields = [
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];

  const answer = await ask(t, routes.portOf['untrusted-sockets'], requestText({ fields }));

  isBadGateway(t, answer, 'tls_certificate_error');
});

test('copies go over TLS, with their bodies, on connections that are kept', async (t) => {
  const { client } = await ask(t, routes.portOf.copied, requestText({ target: '/1' }));
  await mirror.gotAll(1);
  await untilCopies(routes.up, { resource: 'test/copied' }, { sent: { answered: 1 } });
  client.send(requestText({ method: 'POST', target: '/2', body: 'hello' }));
  await client.message();
  await mirror.gotAll(2);

  t.deepEqual(
    mirror.received.map(({ startLine, body }) => `${startLine} ${body}`),
    ['GET /1 HTTP/1.1 ', 'POST /2 HTTP/1.1 hello'],
  );
  t.is(mirror.sockets.size, 1);
});

for (const [at, { title, outcome }] of oddAnswers.entries()) {
  // Who resets inside TLS only ends it there: see what resets outside of it, above.
  if (title.includes('reset')) continue;

  test(`R6: ${title} from a mirror behind TLS is ${outcome}`, async (t) => {
    const answer = await ask(t, routes.portOf[`odd-${at}`] ?? 0, requestText());

    t.is(answer.status, 200);
    const resource = `test/odd-${at}`;
    await untilCopies(routes.up, { resource }, { sent: { [outcome]: 1 } });
  });
}
