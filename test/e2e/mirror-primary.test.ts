import { connect } from 'node:net';
import test from 'ava';
import { isBadGateway, ok } from '../support/ask.ts';
import { megabyte, sendBytes, takeBytes, untilStalled } from '../support/bulk.ts';
import { mirrorTo, ruleTo } from '../support/mirror-route.ts';
import { nobody } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';
import { answering } from '../support/scripted-origin.ts';
import { type Stage, type Stages, startStages } from '../support/stages.ts';

// What a client and a backend have of each other. Everything is copied to a mirror that takes it and
// never answers: neither of them notices. One process serves the file.
const scope = fileScope();

const names = [
  ...['pipeline', 'events', 'upload', 'stalled-upload', 'stalled-download', 'expect', 'bodyless'],
  'early',
] as const;
type Name = (typeof names)[number] | 'gone';

let stages: Stages<Name>;

test.before('a route for each test', async () => {
  const silent = await startTcpOrigin(scope, (socket) => void socket.resume());
  const mirrors = [mirrorTo(silent)];
  const specs = names.map((name) => [
    name,
    (backend: { readonly authority: string }) => ({ rules: [ruleTo(backend, { mirrors })] }),
  ]);
  stages = await startStages<Name>(scope, {
    ...Object.fromEntries(specs),
    gone: () => ({ rules: [ruleTo(nobody, { mirrors })] }),
  });
});

const stage = (name: Name): Stage => stages.stageOf[name];

const head = (...fields: readonly string[]) => `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`;
const notModified = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n';
const post = (...fields: readonly string[]) =>
  requestText({ method: 'POST', fields: ['Content-Length: 10', ...fields] });

test('requests in one packet are answered in order, bodies among them', async (t) => {
  const { port, play } = stage('pipeline');
  play(async (backend) => {
    for (;;) {
      const { startLine, body } = await backend.message();
      backend.send(answerText(`${startLine} ${body}`));
    }
  });
  const client = await connectPeer(t, port);
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  const requests = numbers.map((number) =>
    number % 2 === 0
      ? requestText({ target: `/${number}` })
      : requestText({ method: 'POST', target: `/${number}`, body: `body ${number}` }),
  );

  client.send(requests.join(''));

  for (const number of numbers) {
    const said =
      number % 2 === 0 ? `GET /${number} HTTP/1.1 ` : `POST /${number} HTTP/1.1 body ${number}`;
    t.is((await client.message()).body, said);
  }
});

test('events arrive one by one, as they are sent', async (t) => {
  const { port, play } = stage('events');
  const wanted = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  play(async (backend) => {
    await backend.message();
    backend.send(head('Content-Type: text/event-stream', 'Transfer-Encoding: chunked'));
    for (const [at, { promise }] of wanted.entries()) {
      await promise;
      backend.send(`9\r\ndata: ${at}\n\n\r\n`);
    }
    backend.send('0\r\n\r\n');
  });
  const client = await connectPeer(t, port);

  client.send(requestText());
  for (const [at, { resolve }] of wanted.entries()) {
    resolve();
    await client.saw(`data: ${at}`);
  }

  await client.saw('\r\n0\r\n\r\n');
  t.pass();
});

test('so do the pieces of an upload', async (t) => {
  const { port, play } = stage('upload');
  const backend = Promise.withResolvers<Peer>();
  play(async (peer) => {
    backend.resolve(peer);
    await peer.head();
  });
  const client = await connectPeer(t, port);

  client.send(requestText({ method: 'POST', fields: ['Transfer-Encoding: chunked'] }));
  const peer = await backend.promise;
  for (const piece of ['first', 'other']) {
    client.send(`5\r\n${piece}\r\n`);
    await peer.saw(piece);
  }
  client.send('0\r\n\r\n');
  await peer.saw('0\r\n\r\n');
  peer.send(ok);

  t.is((await client.message()).status, 200);
});

const bulk = 128 * megabyte;
/** What sockets may hold on the way. */
const onTheWay = 48 * megabyte;

test('a backend that does not read holds the client up; then it gets everything', async (t) => {
  const { port, play } = stage('stalled-upload');
  const goOn = Promise.withResolvers<void>();
  play(async (backend) => {
    await backend.head();
    backend.socket.pause();
    await goOn.promise;
    await takeBytes(backend.socket, bulk - backend.unread.length);
    backend.send(ok);
  });
  const client = await connectPeer(t, port);

  client.send(requestText({ method: 'POST', fields: [`Content-Length: ${bulk}`] }));
  const sent = sendBytes(client.socket, bulk);
  const moved = await untilStalled(stages.up, () => client.socket.bytesWritten);
  t.true(moved < onTheWay, `${moved} bytes on the way`);
  goOn.resolve();

  await sent;
  t.is((await client.message()).status, 200);
});

test('a client that does not read holds the backend up; then it gets everything', async (t) => {
  const { port, play, connections } = stage('stalled-download');
  play(async (backend) => {
    await backend.message();
    backend.send(head(`Content-Length: ${bulk}`));
    await sendBytes(backend.socket, bulk);
  });
  const socket = connect({ host: '127.0.0.1', port });
  t.teardown(() => socket.destroy());

  socket.write(requestText());
  const moved = await untilStalled(stages.up, () => connections[0]?.socket.bytesWritten ?? 0);
  t.true(moved < onTheWay, `${moved} bytes on the way`);

  await t.notThrowsAsync(takeBytes(socket, bulk));
});

test('a client that waits for 100 gets it when the backend has been reached', async (t) => {
  const { port, play } = stage('expect');
  play(answering(ok));
  const client = await connectPeer(t, port);

  client.send(post('Expect: 100-continue'));
  t.is((await client.head()).status, 100);
  client.send('0123456789');

  t.is((await client.message()).status, 200);
});

test('nor does it get one where there is no backend', async (t) => {
  const client = await connectPeer(t, stage('gone').port);

  client.send(post('Expect: 100-continue'));

  isBadGateway(t, await client.message(), 'connection_refused');
});

test('HEAD, 204 and 304 have no body, whatever their fields say, and the connection is kept', async (t) => {
  const { port, play } = stage('bodyless');
  play(async (backend) => {
    for (;;) {
      const { startLine } = await backend.message();
      if (startLine.includes('/204')) backend.send('HTTP/1.1 204 No Content\r\n\r\n');
      else if (startLine.includes('/304')) backend.send(notModified);
      else backend.send(startLine.startsWith('HEAD') ? head('Content-Length: 1000') : ok);
    }
  });
  const client = await connectPeer(t, port);
  const answerTo = (method: string, target: string) => {
    client.send(requestText({ method, target }));
    return client.message({ bodyless: method === 'HEAD' });
  };

  t.is((await answerTo('HEAD', '/')).field('content-length'), '1000');
  t.is((await answerTo('GET', '/204')).status, 204);
  t.is((await answerTo('GET', '/304')).field('etag'), '"a"');
  t.is((await answerTo('GET', '/')).body, 'ok');
});

test('a final answer in the middle of an upload is passed on at once, and both sides close', async (t) => {
  const { port, play } = stage('early');
  play(async (backend) => {
    await backend.head();
    await backend.bytes(4);
    backend.send(answerText('stop', [], '413 Content Too Large'));
    await backend.rest();
    backend.socket.end();
  });
  const client = await connectPeer(t, port);

  client.send(`${post()}half`);
  const answer = await client.message();

  t.is(answer.status, 413);
  t.is(answer.field('connection'), 'close');
  t.is((await client.rest()).text, '');
});
