import { once } from 'node:events';
import {
  type ConnectionOptions,
  connect as connectTls,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { filesIn, findSecrets } from '../support/find-secrets.ts';
import { askHttp2, connectHttp2 } from '../support/http2-client.ts';
import { untilMetric } from '../support/metrics.ts';
import { type Routes, ruleTo, startRoutes, tlsSecret } from '../support/mirror-route.ts';
import { connectPeer, peerOf } from '../support/peer.ts';
import { seenIn, showing, startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { run } from '../support/run.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';
import { type Authority, makeAuthority, makeWeakCertificate } from '../support/tls.ts';
import { startWebsocketEcho } from '../support/websocket-echo.ts';

// Listeners that speak TLS: which certificate they show to whom, how it is replaced, and what comes
// of clients that do not speak as they should.

const tlsWith = (...secrets: readonly string[]) => ({
  certificateRefs: secrets.map((name) => ({ name })),
});

type World = {
  readonly authority: Authority;
  readonly routes: Routes<'shop'>;
  readonly port: number;
};

async function start(t: ExecutionContext, parts: object = {}): Promise<World> {
  const [authority, backend] = [await makeAuthority(t), await startRecorder(t, showing('backend'))];
  const issued = await authority.issue({ names: ['shop.example'] });
  const spec = { tls: tlsWith('shop-tls'), rules: [ruleTo(backend)], ...parts };
  const documents = tlsSecret('shop-tls', issued);
  const routes = await startRoutes(t, { shop: spec }, { documents });
  return { authority, routes, port: routes.portOf.shop };
}

/** A connection over TLS, as it is agreed on; rejects with what is wrong. */
async function connectSecure(
  t: ExecutionContext,
  port: number,
  options: ConnectionOptions,
): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, ...options });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

const namesOf = ({ subjectaltname = '' }: PeerCertificate) => subjectaltname;

for (const [version, status] of [
  ['--http1.1', 'HTTP/1.1 200 OK'],
  ['--http2', 'HTTP/2 200'],
  ['--http1.0', 'HTTP/1.1 200 OK'],
] as const) {
  test(`curl ${version} checks the certificate and is served`, async (t) => {
    const { authority, port } = await start(t);
    const curl = ['--silent', '--show-error', '--include', '--cacert', authority.caFile, version];
    const resolve = ['--resolve', `shop.example:${port}:127.0.0.1`];

    const { stdout, stderr } = await run('curl', [
      ...[...curl, ...resolve, `https://shop.example:${port}/a?b`],
      ...['--next', ...curl, ...resolve, '-d', 'a body', `https://shop.example:${port}/c`],
    ]);

    t.is(stderr, '');
    t.is(stdout.split(status).length, 3, stdout);
    t.regex(stdout, /GET \/a\?b HTTP\/1.1/);
    t.regex(stdout, /POST \/c HTTP\/1.1.*"body":"a body"/s);
  });
}

test('a client gets the certificate for the host it names, and the first one otherwise', async (t) => {
  const authority = await makeAuthority(t);
  const backend = await startRecorder(t);
  const issue = async (name: string) => {
    return tlsSecret(name, await authority.issue({ names: [`${name}.example`, `*.${name}.test`] }));
  };
  const { portOf } = await startRoutes(
    t,
    { shop: { tls: tlsWith('first', 'second'), rules: [ruleTo(backend)] } },
    { documents: (await issue('first')) + (await issue('second')) },
  );
  const shown = async (servername: string) => {
    const options = { ca: authority.ca, servername, checkServerIdentity: () => undefined };
    const socket = await connectSecure(t, portOf.shop, options);
    return namesOf(socket.getPeerCertificate()).split(',')[0];
  };

  t.is(await shown('second.example'), 'DNS:second.example');
  t.is(await shown('first.example'), 'DNS:first.example');
  t.is(await shown('any.second.test'), 'DNS:second.example');
  t.is(await shown('elsewhere.example'), 'DNS:first.example');
  t.is(await shown(''), 'DNS:first.example');
});

test('a certificate that is replaced is shown to the next connection, and no request fails', async (t) => {
  const { authority, routes, port } = await start(t);
  const kept = await connectHttp2(t, port, authority.ca);
  const shown = async () => {
    const socket = await connectSecure(t, port, { ca: authority.ca, servername: 'localhost' });
    return namesOf(socket.getPeerCertificate());
  };
  t.regex(await shown(), /shop\.example/);
  let failed = 0;
  let asking = true;
  const load = (async () => {
    while (asking) if ((await askHttp2(kept)).status !== 200) failed += 1;
  })();

  const renewed = tlsSecret('shop-tls', await authority.issue({ names: ['renewed.example'] }));
  const line = await routes.up.apply(routes.edited({}, renewed));

  t.regex(line, /Programmed/);
  t.regex(await shown(), /renewed\.example/);
  asking = false;
  await load;
  t.is(failed, 0);
});

test('a Secret that is no certificate is refused with a reason, and the last good one stays', async (t) => {
  const { authority, routes, port } = await start(t);
  const { up } = routes;
  const other = await authority.issue({ names: ['other.example'] });
  const from = up.stdout.all.length;

  await up.write(routes.edited({}, tlsSecret('shop-tls', { cert: other.cert, key: 'no key' })));

  const line = await up.stdout.next((each) => each.startsWith('MirrorRoute/test/shop'), from);
  t.regex(line, /refused.*Secret test\/shop-tls, key "tls.key", is not a PEM private key/);
  const socket = await connectSecure(t, port, { ca: authority.ca, servername: 'localhost' });
  t.regex(namesOf(socket.getPeerCertificate()), /shop\.example/);
});

test('a key that is too short for TLS is refused with the reason, and no thread and no neighbour notices', async (t) => {
  const { authority, routes, port } = await start(t);
  const { up } = routes;
  const from = up.stdout.all.length;

  await up.write(routes.edited({}, tlsSecret('shop-tls', await makeWeakCertificate(t))));

  const line = await up.stdout.next((each) => each.startsWith('MirrorRoute/test/shop'), from);
  t.regex(line, /refused.*Secret test\/shop-tls cannot be used for TLS: ee key too small/);
  const session = await connectHttp2(t, port, authority.ca);
  t.is((await askHttp2(session)).status, 200);
  t.deepEqual(
    up.stderr.all.filter((each) => each.includes('"error"')),
    [],
  );
});

for (const protocol of ['h2', 'http/1.1'] as const) {
  test(`what breaks TLS off after the handshake ends the connection (${protocol})`, async (t) => {
    const { authority, routes, port } = await start(t, {
      timeouts: { requestHeaders: '30m', idle: '30m' },
    });
    const plain = await connectPeer(t, port);
    const secure = connectTls({
      ...{ socket: plain.socket, ca: authority.ca, servername: 'localhost' },
      ALPNProtocols: [protocol],
    });
    secure.on('error', () => undefined);
    await once(secure, 'secureConnect');
    secure.write(protocol === 'h2' ? 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' : 'GET / HT');
    const open = 'headgate_mirror_route_connections{resource="test/shop"}';
    await untilMetric(routes.up, open, 1);

    plain.socket.write(Buffer.from('1703030005beefbeefbe', 'hex')); // a record that no key made

    await untilMetric(routes.up, open, 0);
    t.pass();
  });
}

test('the private key is nowhere but in the file it came from', async (t) => {
  const authority = await makeAuthority(t);
  const issued = await authority.issue({ names: ['shop.example'] });
  const backend = await startRecorder(t);
  const { up, portOf } = await startRoutes(
    t,
    { shop: { tls: tlsWith('shop-tls'), rules: [ruleTo(backend)] } },
    { documents: tlsSecret('shop-tls', issued) },
  );
  const session = await connectHttp2(t, portOf.shop, authority.ca);
  t.is((await askHttp2(session)).status, 200);

  const body = issued.key.split('\n').slice(1, -2).join('');
  const printed = Buffer.from([...up.stdout.all, ...up.stderr.all].join('\n'));
  const places = [
    ...(await filesIn(up.data)),
    { name: 'output', bytes: printed },
    { name: 'metrics', bytes: Buffer.from(await up.metrics()) },
  ];
  t.deepEqual(findSecrets(places, { key: body, 'first line': body.slice(0, 64) }), []);
});

test('a websocket over TLS goes to the backend', async (t) => {
  const target = await startWebsocketEcho(t);
  const { authority, port } = await start(t, { rules: [ruleTo(target)] });

  const websocket = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: authority.ca });
  t.teardown(() => websocket.terminate());
  await once(websocket, 'open');
  const big = 'x'.repeat(1_000_000);
  websocket.send(big);
  const [echoed] = await once(websocket, 'message');
  t.is(String(echoed), big);
  websocket.close(1000, 'enough');
  const [code] = await once(websocket, 'close');
  t.is(code, 1000);
});

test('requests in one packet over HTTP/1.1 are answered in order, and the connection is kept', async (t) => {
  const { authority, port } = await start(t);
  const peer = peerOf(await connectSecure(t, port, { ca: authority.ca, servername: 'localhost' }));

  peer.send(requestText({ target: '/one' }) + requestText({ method: 'POST', body: 'two' }));

  t.is(seenIn(await peer.message()).startLine, 'GET /one HTTP/1.1');
  t.is(seenIn(await peer.message()).body, 'two');
  peer.send(requestText({ target: '/three' }));
  const third = seenIn(await peer.message());
  t.is(third.startLine, 'GET /three HTTP/1.1');
  t.is(third.field('x-forwarded-proto'), 'https');
});

test('who takes https:// for http:// is told so; what is neither is closed; others are served', async (t) => {
  const { authority, routes, port } = await start(t);
  const plain = await connectPeer(t, port);
  plain.send(requestText());
  const answer = await plain.message();
  t.is(answer.status, 400);
  t.regex(answer.body, /this port speaks TLS: use https:\/\//);
  const binary = await connectPeer(t, port);
  binary.send('\x05\x01\x00');
  t.is((await binary.rest()).text, '');

  const half = await connectPeer(t, port);
  half.send('\x16\x03\x01\x02\x00\x01rubbish that is no ClientHello'.padEnd(600, 'x'));
  await half.rest();
  const series = (protocol: string) =>
    `headgate_mirror_route_connections_total{resource="test/shop",listener="all",protocol="${protocol}"}`;
  await untilMetric(routes.up, series('tls_failed'), 1);
  const session = await connectHttp2(t, port, authority.ca);
  t.is((await askHttp2(session)).status, 200);
  await untilMetric(routes.up, series('http2'), 1);
});

test('a handshake that stalls is closed at timeouts.handshake', async (t) => {
  const { port, routes } = await start(t, { timeouts: { handshake: '1s' } });
  for (const begun of ['', '\x16', '\x16\x03\x01\x02\x00\x01']) {
    const peer = await connectPeer(t, port);
    peer.send(begun);
    t.is((await peer.rest()).text, '');
  }
  await untilMetric(routes.up, 'headgate_mirror_route_connections{resource="test/shop"}', 0);
});

test('minVersion: older ones are refused, and TLS 1.1 always', async (t) => {
  const { authority, port } = await start(t, {
    tls: { ...tlsWith('shop-tls'), minVersion: 'TLS1.3' },
  });
  const options = { ca: authority.ca, servername: 'localhost' };
  const newest = await connectSecure(t, port, options);
  t.is(newest.getProtocol(), 'TLSv1.3');
  await t.throwsAsync(connectSecure(t, port, { ...options, maxVersion: 'TLSv1.2' }));

  const usual = await start(t);
  const older = { ca: usual.authority.ca, servername: 'localhost' };
  const second = await connectSecure(t, usual.port, { ...older, maxVersion: 'TLSv1.2' });
  t.is(second.getProtocol(), 'TLSv1.2');
  const ancient = {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  } as const;
  await t.throwsAsync(connectSecure(t, usual.port, { ...older, ...ancient }));
});

test('a client that offers other protocols only is told so by an alert', async (t) => {
  const { authority, port } = await start(t);
  const options = { ca: authority.ca, servername: 'localhost', ALPNProtocols: ['spdy/3'] };
  await t.throwsAsync(connectSecure(t, port, options), { message: /no application protocol/ });
});

test('a drain tells HTTP/2 clients to come back elsewhere, and lets them finish what they began', async (t) => {
  const [authority, asked, release] = [
    await makeAuthority(t),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  const backend = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    asked.resolve();
    await release.promise;
    peer.send(answerText('finished'));
  });
  const { up, portOf } = await startRoutes(
    t,
    { shop: { tls: tlsWith('shop-tls'), rules: [ruleTo(backend)] } },
    { documents: tlsSecret('shop-tls', await authority.issue()) },
  );
  const [busy, idle] = [
    await connectHttp2(t, portOf.shop, authority.ca),
    await connectHttp2(t, portOf.shop, authority.ca),
  ];
  const answer = askHttp2(busy);
  await asked.promise;
  const told = [busy, idle].map((session) => once(session, 'goaway'));
  const closed = [busy, idle].map((session) => once(session, 'close'));

  const stopped = up.stop('SIGTERM');
  for (const each of told) t.is((await each)[0], 0);
  await closed[1];
  release.resolve();

  t.is((await answer).body, 'finished');
  await closed[0];
  t.is((await stopped).code, 0);
});

test('50 edits under load fail no request over HTTP/2, and close no connection', async (t) => {
  const [authority, backend] = [await makeAuthority(t), await startRecorder(t)];
  const spec = (edit: number) => ({
    tls: tlsWith('shop-tls'),
    rules: [
      ruleTo(backend, { matches: [{ path: { value: '/' } }, { path: { value: `/${edit}` } }] }),
    ],
  });
  const documents = tlsSecret('shop-tls', await authority.issue());
  const { up, portOf, edited } = await startRoutes(t, { shop: spec(0) }, { documents });
  const sessions = [
    await connectHttp2(t, portOf.shop, authority.ca),
    await connectHttp2(t, portOf.shop, authority.ca),
  ];
  const failures: unknown[] = [];
  let [asking, done] = [true, 0];
  const clients = sessions.flatMap((session) =>
    [0, 1, 2, 3].map(async () => {
      while (asking) {
        const { status } = await askHttp2(session, { ':method': 'POST' }, 'body').catch(
          (error: unknown) => ({ status: error }),
        );
        done += 1;
        if (status !== 200) failures.push(status);
      }
    }),
  );

  for (let edit = 1; edit <= 50; edit += 1) await up.apply(edited({ shop: spec(edit) }));
  asking = false;
  await Promise.all(clients);

  t.deepEqual(failures, []);
  t.true(sessions.every((session) => !session.closed));
  t.log(`${done} requests`);
});
