import { once } from 'node:events';
import { constants } from 'node:http2';
import test, { type ExecutionContext } from 'ava';
import { megabyte } from '../support/bulk.ts';
import { copyCounts, untilCopies } from '../support/copy-counts.ts';
import {
  askHttp2,
  connectFrames,
  connectHttp2,
  frame,
  frameTypes,
  openHttp2,
  replyOf,
} from '../support/http2-client.ts';
import { metricValue, untilMetric } from '../support/metrics.ts';
import { mirrorTo, ruleTo, tlsSecret } from '../support/mirror-route.ts';
import { seenIn, showing } from '../support/recorder.ts';
import { answerText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';
import { answering } from '../support/scripted-origin.ts';
import { type Stage, type Stages, startStages } from '../support/stages.ts';
import { type Certificates, makeCertificates } from '../support/tls.ts';

// HTTP/2 with clients: many requests at once on one connection, each for itself, and what hostile
// clients make of that. Backends and mirrors are asked over HTTP/1.1.
const scope = fileScope();

const names = [
  ...[
    'fields',
    'hosts',
    'at-once',
    'absent',
    'bodyless',
    'bulk',
    'stalled',
    'broken',
    'broken-chunks',
    'unwanted',
    'half',
    'withdrawn',
    'odd',
    'gone',
    'early',
  ],
  ...['informed', 'refused', 'copied', 'metrics', 'many', 'reset', 'continuation', 'control'],
  'idle',
] as const;
type Name = (typeof names)[number];

let stages: Stages<Name>;
let certificates: Certificates;

test.before('a route over TLS for each test', async () => {
  certificates = await makeCertificates(scope, ['shop.example']);
  const tls = { certificateRefs: [{ name: 'shop-tls' }] };
  // Beside floods, and on busy cores, the clients of this process may take long to shake hands.
  const timeouts = { handshake: '5m' };
  const specs = names.map((name) => [
    name,
    (backend: { readonly authority: string }) => ({ tls, timeouts, rules: [ruleTo(backend)] }),
  ]);
  stages = await startStages<Name>(
    scope,
    {
      ...Object.fromEntries(specs),
      idle: (backend) => ({ tls, timeouts: { ...timeouts, idle: '2s' }, rules: [ruleTo(backend)] }),
      copied: (backend) => ({
        ...{ tls, timeouts },
        rules: [ruleTo(backend, { mirrors: [mirrorTo(backend, { path: to('/copy') })] })],
      }),
    },
    { documents: tlsSecret('shop-tls', certificates) },
  );
});

const to = (value: string) => ({ type: 'ReplaceFullPath', value });
const stage = (name: Name): Stage => stages.stageOf[name];
const connect = (t: ExecutionContext, name: Name) =>
  connectHttp2(t, stage(name).port, certificates.ca);

const series = (metric: string, name: Name, labels: Readonly<Record<string, string>>) => {
  const all = Object.entries({ resource: `test/${name}`, ...labels });
  return `headgate_mirror_route_${metric}{${all.map(([key, value]) => `${key}="${value}"`).join(',')}}`;
};

/** Shows what it was asked, on every connection. */
function show(name: Name): void {
  stage(name).play(async (backend) => {
    for (;;) backend.send(showing(name)(await backend.message()));
  });
}

test('a request comes to its backend as HTTP/1.1 has it, and the answer back as HTTP/2 has it', async (t) => {
  show('fields');
  const session = await connect(t, 'fields');

  const answer = await askHttp2(
    session,
    { ':method': 'POST', ':path': '/a/b?c=d', cookie: ['a=1', 'b=2'], 'x-name': 'Value' },
    'hello',
  );

  t.is(answer.status, 200);
  t.is(answer.fields['via'], '1.1 fields.test');
  const seen = seenIn(answer);
  t.is(seen.startLine, 'POST /a/b?c=d HTTP/1.1');
  t.is(seen.body, 'hello');
  t.is(seen.field('host'), 'shop.example');
  t.is(seen.field('cookie'), 'a=1; b=2');
  t.is(seen.field('x-name'), 'Value');
  t.is(seen.field('via'), '2 fields.test');
  t.is(seen.field('x-forwarded-proto'), 'https');
  t.false(seen.fields.some(([name]) => name.startsWith(':')));
});

test('what a client says of X-Forwarded-Proto is not believed', async (t) => {
  show('fields');
  const answer = await askHttp2(await connect(t, 'fields'), { 'x-forwarded-proto': 'gopher' });
  t.is(seenIn(answer).field('x-forwarded-proto'), 'https');
});

test('a Host that says something else than :authority is refused, the same one is fine', async (t) => {
  show('hosts');
  const session = await connect(t, 'hosts');

  const same = await askHttp2(session, { host: 'shop.example' });
  const other = await askHttp2(session, { host: 'admin.example' });
  const next = await askHttp2(session);

  t.deepEqual([same.status, other.status, next.status], [200, 400, 200]);
});

test('100 requests at once: a backend that does not answer one of them holds up no other', async (t) => {
  const release = Promise.withResolvers<void>();
  stage('at-once').play(async (backend) => {
    const { startLine } = await backend.message();
    if (startLine.includes('/0 ')) await release.promise;
    backend.send(answerText(startLine, ['Connection: close']));
    backend.socket.end();
  });
  const session = await connect(t, 'at-once');
  const answers = Array.from({ length: 100 }, (_, index) =>
    askHttp2(session, { ':path': `/${index}` }),
  );

  const rest = await Promise.all(answers.slice(1));
  t.deepEqual(
    rest.map(({ body }) => body),
    rest.map((_, index) => `GET /${index + 1} HTTP/1.1`),
  );
  release.resolve();
  t.is((await answers[0])?.body, 'GET /0 HTTP/1.1');
});

test('answers without a body: to HEAD, 204 and 304', async (t) => {
  stage('bodyless').play(async (backend) => {
    for (;;) {
      const { startLine } = await backend.message();
      if (startLine.startsWith('HEAD')) {
        backend.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      } else if (startLine.includes('/204')) {
        backend.send('HTTP/1.1 204 No Content\r\n\r\n');
      } else {
        backend.send('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n');
      }
    }
  });
  const session = await connect(t, 'bodyless');

  const head = await askHttp2(session, { ':method': 'HEAD' });
  t.deepEqual([head.status, head.fields['content-length'], head.body], [200, '1000', '']);
  t.is((await askHttp2(session, { ':path': '/204' })).status, 204);
  const unchanged = await askHttp2(session, { ':path': '/304' });
  t.deepEqual([unchanged.status, unchanged.fields.etag], [304, '"a"']);
});

test('5 MB up and down at once on one connection, byte for byte', async (t) => {
  stage('bulk').play(async (backend) => {
    for (;;) {
      const { body } = await backend.message();
      backend.send(answerText(body));
    }
  });
  const session = await connect(t, 'bulk');
  const bodies = ['a', 'b', 'c'].map((letter) => Buffer.alloc(5 * megabyte, `${letter}\n12345`));

  const answers = await Promise.all(
    bodies.map((body) => askHttp2(session, { ':method': 'PUT' }, body)),
  );

  t.deepEqual(
    answers.map(({ body }) =>
      Buffer.from(body, 'latin1').equals(bodies.shift() ?? Buffer.alloc(0)),
    ),
    [true, true, true],
  );
});

test('an answer that its client does not read stops its backend, and no other stream', async (t) => {
  let written = 0;
  stage('stalled').play(async (backend) => {
    const { startLine } = await backend.message();
    if (!startLine.includes('/endless')) {
      backend.send(answerText('quick', ['Connection: close']));
      backend.socket.end();
      return;
    }
    backend.send('HTTP/1.1 200 OK\r\n\r\n');
    const piece = Buffer.alloc(megabyte);
    while (!backend.socket.destroyed) {
      if (!backend.socket.write(piece)) await once(backend.socket, 'drain');
      written += 1;
    }
  });
  const session = await connect(t, 'stalled');
  const endless = openHttp2(session, { ':path': '/endless' }, true);
  endless.pause();
  await once(endless, 'response');

  for (let round = 0; round < 20; round += 1) {
    t.is((await askHttp2(session, { ':path': `/${round}` })).body, 'quick');
  }

  t.true(written < 64, `${written} MB went nowhere`);
  endless.close(constants.NGHTTP2_CANCEL);
});

for (const [title, framing] of [
  ['a length', 'Content-Length: 1000'],
  ['chunks', 'Transfer-Encoding: chunked'],
] as const) {
  test(`a backend that breaks off an answer with ${title} resets that stream: it must not pass for whole`, async (t) => {
    const name = title === 'chunks' ? 'broken-chunks' : 'broken';
    stage(name).play(async (backend) => {
      for (;;) {
        const { startLine } = await backend.message();
        if (startLine.includes('/whole')) backend.send(answerText('whole'));
        else backend.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n4\r\nhalf\r\n`);
      }
    });
    const session = await connect(t, name);
    const broken = openHttp2(session, { ':path': '/broken' }, true);
    const ended: string[] = [];
    broken.on('end', () => ended.push('end'));
    const closed = new Promise((resolve) => broken.once('close', resolve));
    await once(broken, 'data');
    for (const { socket } of stage(name).connections) socket.resetAndDestroy();

    await closed;
    t.is(broken.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
    t.deepEqual(ended, []);
    t.is((await askHttp2(session, { ':path': '/whole' })).body, 'whole');
  });
}

test('a client that resets its stream takes the request back from the backend, and is counted', async (t) => {
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  stage('gone').play(async (backend) => {
    backend.socket.on('close', () => left.resolve());
    await backend.message();
    asked.resolve();
    await backend.rest();
    backend.socket.destroy();
  });
  const session = await connect(t, 'gone');
  const stream = openHttp2(session, {}, true);
  await asked.promise;

  stream.close(constants.NGHTTP2_CANCEL);

  await left.promise;
  await untilMetric(
    stages.up,
    series('requests_total', 'gone', { type: 'plain', code: '499', rule: 'rule-1' }),
    1,
  );
  t.false(session.destroyed);
});

test('a client that wants no more of an endless answer, though nothing is wrong, frees the backend', async (t) => {
  const left = Promise.withResolvers<void>();
  stage('unwanted').play(async (backend) => {
    backend.socket.on('close', () => left.resolve());
    await backend.message();
    backend.send('HTTP/1.1 200 OK\r\n\r\n');
    const piece = Buffer.alloc(65_536);
    while (!backend.socket.destroyed) {
      if (!backend.socket.write(piece)) await once(backend.socket, 'drain');
    }
  });
  const session = await connect(t, 'unwanted');
  const stream = openHttp2(session, {}, true);
  await once(stream, 'data');

  stream.close(constants.NGHTTP2_NO_ERROR);

  await left.promise;
  const cut = { type: 'plain', code: '200', rule: 'rule-1' };
  await untilMetric(stages.up, series('requests_total', 'unwanted', cut), 1);
  const line = await stages.up.accessLog(({ resource }) => resource === 'test/unwanted');
  t.is(line['code'], 'client_gone');
});

test('a body that its client breaks off, with an error or without, does not pass for whole', async (t) => {
  const peer = await connectFrames(t, stage('half').port, certificates.ca);
  for (const [at, code] of [0, 2, 8].entries()) {
    const [got, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    stage('half').play(async (backend) => {
      await backend.head();
      await backend.saw('half');
      got.resolve();
      seen.resolve((await backend.rest()).text);
      backend.socket.destroy();
    });
    const stream = 2 * at + 1;
    await peer.send(Buffer.concat([frame.headers(stream, 4), frame.data(stream, 'half')]));
    await got.promise;

    await peer.send(frame.reset(stream, code));

    t.false((await seen.promise).includes('0\r\n\r\n'), `code ${code}`);
  }
});

test('requests that are withdrawn at once, in every way, hurt nobody', async (t) => {
  stage('withdrawn').play(answering(answerText('ok')));
  const peer = await connectFrames(t, stage('withdrawn').port, certificates.ca);
  for (let stream = 1; stream < 400; stream += 2) {
    const [isOpen, isWhole] = [4, 5];
    await peer.send(
      Buffer.concat([
        frame.headers(stream, stream % 4 === 1 ? isOpen : isWhole),
        frame.reset(stream, stream % 8 < 4 ? 0 : 8),
      ]),
    );
  }
  await othersAreServed(t, 'withdrawn');

  const { stderr } = stages.up;
  t.deepEqual(
    stderr.all.filter((line) => /thread/.test(line) && /died|ended|error/.test(line)),
    [],
  );
  const gone = { type: 'plain', code: '499', rule: 'rule-1' };
  await untilMetric(stages.up, series('connections', 'withdrawn', {}), 1);
  t.true((await metricValue(stages.up, series('requests_total', 'withdrawn', gone))) > 0);
});

test('fields that HTTP/2 would have once come through as often as the backend sent them', async (t) => {
  stage('odd').play(async (backend) => {
    for (;;) {
      const { startLine } = await backend.message();
      const fields = startLine.includes('/twice')
        ? ['Content-Type: a/b', 'Content-Type: c/d', 'ETag: "1"', 'ETag: "2"']
        : ['HTTP2-Settings: AAAA'];
      backend.send(answerText('ok', fields));
    }
  });
  const session = await connect(t, 'odd');

  t.is((await askHttp2(session, { ':path': '/twice' })).body, 'ok');
  t.true([200, 502].includes((await askHttp2(session, { ':path': '/settings' })).status));
  t.is((await askHttp2(session, { ':path': '/twice' })).status, 200);
});

test('an answer before the end of the request: the client may stop sending', async (t) => {
  stage('early').play(async (backend) => {
    await backend.head();
    backend.send(answerText('no more', ['Connection: close'], '413 Content Too Large'));
    await backend.rest();
    backend.socket.destroy();
  });
  const session = await connect(t, 'early');
  const upload = openHttp2(session, { ':method': 'POST' });
  upload.write('begin');

  const [fields] = await once(upload, 'response');
  upload.resume();
  await once(upload, 'close');

  t.is(fields[':status'], 413);
  t.is(upload.rstCode, constants.NGHTTP2_NO_ERROR);
});

test('interim answers: 100 when the request goes on its way, 103 as the backend sends it', async (t) => {
  stage('informed').play(async (backend) => {
    await backend.message();
    backend.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\n\r\n');
    backend.send(answerText('done'));
  });
  const session = await connect(t, 'informed');
  const stream = openHttp2(session, { ':method': 'POST', expect: '100-continue' });
  const interim: unknown[] = [];
  stream.on('headers', (fields) => interim.push([fields[':status'], fields['link']]));
  await once(stream, 'continue');
  stream.end('body');

  t.is((await replyOf(stream)).body, 'done');
  t.deepEqual(interim.at(-1), [103, '</a.css>, </b.css>']);
});

test('what is refused is refused on its stream', async (t) => {
  stage('refused').play(answering(answerText('ok')));
  const session = await connect(t, 'refused');
  const statusOf = async (headers: Record<string, string>) =>
    (await askHttp2(session, headers)).status;

  t.is(await statusOf({ 'x-long': 'a'.repeat(20_000) }), 431);
  t.is(await statusOf({ ':path': `/${'a'.repeat(9000)}` }), 414);
  t.is(await statusOf({ ':method': 'TRACE' }), 405);
  t.is(await statusOf({ expect: 'a miracle' }), 417);
  const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'a.example:443' });
  const [fields] = await once(tunnel, 'response');
  t.is(fields[':status'], 405);
  t.is(await statusOf({}), 200);
});

test('a backend that is not there is 502 on its stream, for the body that it was to get too', async (t) => {
  stage('absent').play(async (backend) => void backend.socket.resetAndDestroy());
  const session = await connect(t, 'absent');
  t.is((await askHttp2(session, { ':method': 'POST' }, 'body')).status, 502);
  t.is((await askHttp2(session)).status, 502);
});

test('requests are copied like any other, bodies too', async (t) => {
  const bodies: string[] = [];
  stage('copied').play(async (backend) => {
    for (;;) {
      const { startLine, body } = await backend.message();
      bodies.push(`${startLine} ${body}`);
      backend.send(answerText('ok'));
    }
  });
  const session = await connect(t, 'copied');

  await askHttp2(session, { ':method': 'POST', ':path': '/shop' }, 'a body');

  await untilCopies(stages.up, { resource: 'test/copied' }, { sent: { answered: 1 } });
  t.deepEqual(bodies.toSorted(), ['POST /copy HTTP/1.1 a body', 'POST /shop HTTP/1.1 a body']);
  t.deepEqual((await copyCounts(stages.up, { resource: 'test/copied' })).skipped, {});
});

test('connections are counted as what they speak, requests one by one, and those that end are gone', async (t) => {
  stage('metrics').play(answering(answerText('ok')));
  const session = await connect(t, 'metrics');
  await Promise.all(Array.from({ length: 20 }, () => askHttp2(session)));

  const ok = { type: 'plain', code: '200', rule: 'rule-1' };
  await untilMetric(stages.up, series('requests_total', 'metrics', ok), 20);
  const http2 = series('connections_total', 'metrics', { listener: 'all', protocol: 'http2' });
  t.is(await metricValue(stages.up, http2), 1);
  t.is(await metricValue(stages.up, series('connections', 'metrics', {})), 1);
  session.close();
  await untilMetric(stages.up, series('connections', 'metrics', {}), 0);
});

test('a connection that is idle too long is told so and closed', async (t) => {
  stage('idle').play(answering(answerText('ok')));
  const session = await connect(t, 'idle');
  const [goAway, closed] = [once(session, 'goaway'), once(session, 'close')];
  await askHttp2(session).catch(() => undefined); // on a busy machine its time may be over before

  t.deepEqual((await goAway).slice(0, 1), [constants.NGHTTP2_NO_ERROR]);
  await closed;
});

/** Another client on another connection, served as if nothing were. */
async function othersAreServed(t: ExecutionContext, name: Name): Promise<void> {
  const other = await connect(t, name);
  for (let round = 0; round < 10; round += 1) t.is((await askHttp2(other)).status, 200);
  other.destroy();
}

test('more than 100 streams at once: those beyond are refused, to be tried again', async (t) => {
  const release = Promise.withResolvers<void>();
  stage('many').play(async (backend) => {
    await backend.message();
    await release.promise;
    backend.send(answerText('ok', ['Connection: close']));
    backend.socket.end();
  });
  const peer = await connectFrames(t, stage('many').port, certificates.ca);
  for (let stream = 1; stream <= 2 * 130; stream += 2) peer.socket.write(frame.headers(stream));

  const refused = await peer.frame(({ type }) => type === frameTypes.reset);

  t.is(refused.stream, 201);
  t.is(refused.code, constants.NGHTTP2_REFUSED_STREAM);
  release.resolve();
  await peer.frame(({ type, stream }) => type === frameTypes.headers && stream === 199);
  await othersAreServed(t, 'many');
});

test('rapid reset (CVE-2023-44487): the connection is ended, backends are spared, others are served', async (t) => {
  stage('reset').play(answering(answerText('ok')));
  const peer = await connectFrames(t, stage('reset').port, certificates.ca);
  const flood = async () => {
    for (let stream = 1; stream < 2 * 20_000 && !peer.socket.destroyed; stream += 2) {
      await peer.send(Buffer.concat([frame.headers(stream), frame.reset(stream)]));
    }
  };

  await Promise.all([flood(), peer.closed, othersAreServed(t, 'reset')]);

  t.true(stage('reset').connections.length < 10_000);
  await othersAreServed(t, 'reset');
  await untilMetric(stages.up, series('connections', 'reset', {}), 0);
});

test('a head that never ends (CVE-2024-27316): the connection is ended, and others are served', async (t) => {
  stage('continuation').play(answering(answerText('ok')));
  const peer = await connectFrames(t, stage('continuation').port, certificates.ca);
  const field = Buffer.concat([Buffer.from([0x00, 1]), Buffer.from('a'), Buffer.from([1, 98])]);
  const block = Buffer.concat(Array.from({ length: 1000 }, () => field));
  peer.socket.write(frame.headers(1, 1));
  const flood = async () => {
    for (let sent = 0; sent < 20_000 && !peer.socket.destroyed; sent += 1) {
      await peer.send(frame.continuation(1, block));
    }
  };

  await Promise.all([flood(), peer.closed, othersAreServed(t, 'continuation')]);

  await othersAreServed(t, 'continuation');
  await untilMetric(stages.up, series('connections', 'continuation', {}), 0);
});

for (const [title, flooding] of [
  ['SETTINGS', frame.settings],
  ['PING', frame.ping],
] as const) {
  test(`a flood of ${title} whose answers nobody reads ends its connection, and no other`, async (t) => {
    stage('control').play(answering(answerText('ok')));
    const peer = await connectFrames(t, stage('control').port, certificates.ca);
    peer.socket.pause();
    const many = Buffer.concat(Array.from({ length: 1000 }, () => flooding));
    const flood = async () => {
      for (let sent = 0; sent < 5_000 && !peer.socket.destroyed; sent += 1) {
        await peer.send(many);
      }
    };

    await Promise.all([flood(), peer.closed, othersAreServed(t, 'control')]);

    await othersAreServed(t, 'control');
  });
}
