import test, { type ExecutionContext } from 'ava';
import { ask, ok } from '../support/ask.ts';
import { megabyte, sendBytes, takeBytes } from '../support/bulk.ts';
import {
  copyCounts,
  copyGauges,
  nothingHeld,
  untilCopies,
  untilCounted,
  untilGauges,
} from '../support/copy-counts.ts';
import type { HeadgateUp } from '../support/headgate-up.ts';
import { mirrorTo, ruleTo } from '../support/mirror-route.ts';
import { reluctant, silent } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';
import { answering } from '../support/scripted-origin.ts';
import { type Stage, type Stages, startStages } from '../support/stages.ts';

// What copies may take is bounded over all serving threads together, exactly, and given back. One
// process serves the file, with two threads whatever the suite runs with.
const scope = fileScope();
const patient = { timeouts: { request: '60s' }, circuitBreaker: { consecutiveFailures: 0 } };
const perSecond = 5;

type TcpOrigin = Awaited<ReturnType<typeof startTcpOrigin>>;
type Name = 'few' | 'held' | 'slow' | 'upload' | 'leaving' | 'whole' | 'early';
let stages: Stages<Name>;
let up: HeadgateUp;
let hung: Readonly<Record<'few' | 'held', TcpOrigin>>;
let recorders: Readonly<Record<'leaving' | 'whole' | 'early', Recorder>>;

test.before('a route for each test', async () => {
  hung = { few: await startTcpOrigin(scope, silent), held: await startTcpOrigin(scope, silent) };
  recorders = {
    leaving: await startRecorder(scope),
    whole: await startRecorder(scope),
    early: await startRecorder(scope),
  };
  const slow = await startRecorder(scope);
  const lazy = await startTcpOrigin(scope, reluctant);
  const to =
    (...mirrors: readonly object[]) =>
    (backend: { readonly authority: string }) => ({ rules: [ruleTo(backend, { mirrors })] });
  const body = { maxBytes: '64Mi' };
  stages = await startStages<Name>(
    scope,
    {
      few: to(mirrorTo(hung.few, { ...patient, limits: { concurrent: 7, queue: 5 } })),
      held: to(
        mirrorTo(hung.held, { ...patient, limits: { concurrent: 100, bufferedBytes: 10_500 } }),
      ),
      slow: to(mirrorTo(slow, { limits: { requestsPerSecond: perSecond } })),
      upload: to(
        mirrorTo(lazy, { name: 'narrow', body, limits: { bufferedBytes: '8Mi' } }),
        mirrorTo(lazy, {
          ...{ name: 'roomy', body, limits: { bufferedBytes: '64Mi' } },
          timeouts: { request: '2s' },
        }),
      ),
      leaving: to(mirrorTo(recorders.leaving)),
      whole: to(mirrorTo(recorders.whole)),
      early: to(mirrorTo(recorders.early)),
    },
    { workers: 2 },
  );
  up = stages.up;
});

const stage = (name: Name): Stage => stages.stageOf[name];

/** One request on each of so many connections, all at once: some for each thread. */
async function askAtOnce(t: ExecutionContext, port: number, count: number, text: string) {
  const clients = await Promise.all(Array.from({ length: count }, () => connectPeer(t, port)));
  for (const client of clients) client.send(text);
  for (const client of clients) t.is((await client.message()).status, 200);
  for (const client of clients) client.socket.destroy();
}

async function untilConnected({ sockets }: TcpOrigin, count: number): Promise<void> {
  while (sockets.size !== count) await up.metrics();
}

function hangUp({ sockets }: TcpOrigin): void {
  for (const socket of sockets) socket.destroy();
}

const post = (bytes: number) => requestText({ method: 'POST', body: 'x'.repeat(bytes) });

test('copies under way and waiting are as many as they may be, and what comes then is not copied', async (t) => {
  const { port, play, resource } = stage('few');
  play(answering(ok));

  await askAtOnce(t, port, 60, post(100));

  await untilCopies(up, { resource }, { skipped: { queue_full: 60 - 12 } });
  const held = { inflight: 7, queued: 5, bufferedBytes: 12 * 100, breakerOpen: 0 };
  t.deepEqual(await copyGauges(up, { resource }), held);
  await untilConnected(hung.few, 7);
  hangUp(hung.few);
  await untilConnected(hung.few, 5); // those that waited
  hangUp(hung.few);

  await untilGauges(up, { resource }, nothingHeld);
  t.deepEqual((await copyCounts(up, { resource })).sent, { connection_terminated: 12 });
});

test('bodies held for copies take no more bytes than they may', async (t) => {
  const { port, play, resource } = stage('held');
  play(answering(ok));

  await askAtOnce(t, port, 40, post(1000));

  await untilCopies(up, { resource }, { skipped: { buffer_bytes: 30 } });
  t.like(await copyGauges(up, { resource }), { inflight: 10, bufferedBytes: 10_000 });

  await askAtOnce(t, port, 1, requestText()); // without a body it needs none
  await untilConnected(hung.held, 11);
  hangUp(hung.held);

  await untilGauges(up, { resource }, nothingHeld);
  t.pass();
});

test('no more copies begin per second than may', async (t) => {
  const { port, play, resource } = stage('slow');
  play(answering(ok));
  const startedMs = performance.now();

  await askAtOnce(t, port, 100, requestText());
  const seconds = (performance.now() - startedMs) / 1000;

  const { sent, skipped } = await untilCounted(up, { resource }, 100);
  const copied = sent['answered'] ?? 0;
  t.deepEqual(skipped, { rate: 100 - copied });
  t.true(copied >= perSecond && copied <= perSecond * (1 + seconds), `${copied} in ${seconds} s`);
});

test('R3: while a mirror reads a kilobyte a second, 50 MB reach the backend; the copy is let go', async (t) => {
  const { port, play, resource } = stage('upload');
  const upload = 50 * megabyte;
  play(async (backend) => {
    await backend.head();
    await takeBytes(backend.socket, upload - backend.unread.length);
    backend.send(ok);
  });
  const client = await connectPeer(t, port);

  client.send(requestText({ method: 'POST', fields: [`Content-Length: ${upload}`] }));
  await sendBytes(client.socket, upload);
  t.is((await client.message()).status, 200);

  await untilCopies(up, { resource, mirror: 'narrow' }, { skipped: { buffer_bytes: 1 } });
  await untilCopies(up, { resource, mirror: 'roomy' }, { sent: { http_response_timeout: 1 } });
  await untilGauges(up, { resource }, nothingHeld);
});

test('R5: a client that leaves in the middle of its body: nothing is copied, and nothing is held', async (t) => {
  const { port, play, resource } = stage('leaving');
  play(async (backend) => void (await backend.rest()));
  const client = await connectPeer(t, port);

  client.send(requestText({ method: 'POST', fields: ['Content-Length: 100000'] }));
  client.send('x'.repeat(50_000));
  while ((await copyGauges(up, { resource })).bufferedBytes < 50_000);
  client.socket.resetAndDestroy();

  await untilCopies(up, { resource }, { skipped: { incomplete: 1 } });
  await untilGauges(up, { resource }, nothingHeld);
  t.is(recorders.leaving.received.length, 0);
});

test('R5: a client that leaves when its request is whole: the copy was made and goes out', async (t) => {
  const { port, play, resource } = stage('whole');
  const asked = Promise.withResolvers<void>();
  play(async (backend) => {
    await backend.message();
    asked.resolve();
    await backend.rest();
  });
  const client = await connectPeer(t, port);

  client.send(post(10));
  await asked.promise;
  client.socket.resetAndDestroy();

  await untilCopies(up, { resource }, { sent: { answered: 1 } });
  t.is(recorders.whole.received[0]?.body, 'x'.repeat(10));
});

test('an answer that the backend gives before the request is whole: nothing is copied', async (t) => {
  const { port, play, resource } = stage('early');
  play(async (backend) => {
    await backend.head();
    backend.send(answerText('enough', [], '413 Content Too Large'));
    await backend.rest();
    backend.socket.end();
  });
  const text = requestText({ method: 'POST', fields: ['Content-Length: 100'] });

  const answer = await ask(t, port, `${text}half`);
  answer.client.socket.destroy();

  t.is(answer.status, 413);
  await untilCopies(up, { resource }, { skipped: { incomplete: 1 } });
  t.is(recorders.early.received.length, 0);
});
