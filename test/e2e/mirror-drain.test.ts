import test, { type ExecutionContext } from 'ava';
import { ok } from '../support/ask.ts';
import { copyGauges, nothingHeld, untilCopies, untilGauges } from '../support/copy-counts.ts';
import type { HeadgateUp } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { nobody, silent } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { requestText } from '../support/route-request.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

// Copies when their route, their mirror or their thread goes (R17, R19). Each test ends or edits a process of its own.

const resource = 'test/shop';
const patient = { timeouts: { request: '60s' }, circuitBreaker: { consecutiveFailures: 0 } };

type Parts = { readonly mirror: object; readonly spec?: object };

async function start(
  t: ExecutionContext,
  target: { readonly authority: string },
  parts: Parts,
): Promise<Routes<'shop'>> {
  const backend = await startRecorder(t);
  const mirrors = [mirrorTo(target, { ...patient, ...parts.mirror })];
  return await startRoutes(t, { shop: { ...parts.spec, rules: [ruleTo(backend, { mirrors })] } });
}

/** Asks over one connection, which is then closed. */
async function ask(
  t: ExecutionContext,
  port: number,
  times: number,
  text = requestText(),
): Promise<void> {
  const client = await connectPeer(t, port);
  for (let count = 0; count < times; count += 1) {
    client.send(text);
    t.is((await client.message()).status, 200);
  }
  client.socket.destroy();
}

/** A mirror that answers when it is told to. */
async function startHolding(t: ExecutionContext) {
  const release = Promise.withResolvers<void>();
  const mirror = await startScriptedOrigin(t, async (peer) => {
    for (;;) {
      await peer.message();
      await release.promise;
      peer.send(ok);
    }
  });
  return { ...mirror, release: release.resolve };
}

test('R17: SIGTERM drops the copies that wait and lets those under way finish; then the process ends', async (t) => {
  const mirror = await startHolding(t);
  const { up, portOf } = await start(t, mirror, {
    mirror: { limits: { concurrent: 2, queue: 10 } },
    spec: { drain: { timeout: '1h', jitter: '0s' } },
  });
  await ask(t, portOf.shop, 8);
  await untilGauges(up, { resource }, { ...nothingHeld, inflight: 2, queued: 6 });

  const exited = up.stop('SIGTERM');
  await untilCopies(up, { resource }, { skipped: { draining: 6 } });
  t.like(await copyGauges(up, { resource }), { inflight: 2, queued: 0 });
  mirror.release();

  t.deepEqual(await exited, { code: 0, signal: null });
});

test('R17: nobody waits for a mirror longer than drain.timeout', async (t) => {
  const mirror = await startTcpOrigin(t, silent);
  const { up, portOf } = await start(t, mirror, {
    mirror: { limits: { concurrent: 2, queue: 10 } },
    spec: { drain: { timeout: '1s', jitter: '0s' } },
  });
  await ask(t, portOf.shop, 8);

  t.deepEqual(await up.stop('SIGTERM'), { code: 0, signal: null });
});

test('a request that is served while its route drains is not copied', async (t) => {
  const mirror = await startRecorder(t);
  const { up, portOf } = await start(t, mirror, {
    mirror: {},
    spec: { drain: { timeout: '1h', jitter: '0s' } },
  });
  const client = await connectPeer(t, portOf.shop);
  client.send('GET /late HTTP/1.1\r\n');
  await untilMetric(up, `headgate_mirror_route_connections{resource="${resource}"}`, 1);

  const exited = up.stop('SIGTERM');
  await up.stderr.next((line) => line.includes('"draining"'));
  client.send('Host: shop.example\r\n\r\n');

  t.is((await client.message()).status, 200);
  client.socket.end();
  t.deepEqual(await exited, { code: 0, signal: null });
  t.is(mirror.received.length, 0);
});

test('a route that is removed: its copies under way finish, and what they held is given back', async (t) => {
  const mirror = await startHolding(t);
  const { up, portOf } = await start(t, mirror, {
    mirror: { limits: { concurrent: 1, queue: 10 } },
    spec: { drain: { timeout: '1h', jitter: '0s' } },
  });
  await ask(t, portOf.shop, 3);
  await untilGauges(up, { resource }, { ...nothingHeld, inflight: 1, queued: 2 });

  await up.write('# nothing\n');
  await up.stdout.next((line) => line.includes('shop removed'));
  await untilCopies(up, { resource }, { skipped: { draining: 2 } });
  await untilMetric(up, 'headgate_drain_remaining', 1);
  mirror.release();

  await untilMetric(up, 'headgate_drain_remaining', 0);
  while ((await up.metrics()).includes(resource));
  t.is(mirror.connections.length, 1);
});

type Uploading = { readonly client: Peer; readonly rest: string };

/** Half of a request, of which the backend has heard. */
async function beginUpload(t: ExecutionContext, up: HeadgateUp, port: number): Promise<Uploading> {
  const client = await connectPeer(t, port);
  client.send(`${requestText({ method: 'POST', fields: ['Content-Length: 8'] })}half`);
  await untilGauges(up, { resource }, { ...nothingHeld, bufferedBytes: 4 });
  return { client, rest: 'rest' };
}

const only = ({ received }: Recorder) =>
  received.map(({ startLine, body }) => `${startLine} ${body}`);

test('R19: an edit in the middle of a request: its copy goes where it was to go, the next one elsewhere', async (t) => {
  const [backend, old, fresh] = await Promise.all([
    startRecorder(t),
    startRecorder(t),
    startRecorder(t),
  ]);
  const spec = (mirror: Recorder) => ({
    rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror)] })],
  });
  const { up, portOf, edited } = await startRoutes(t, { shop: spec(old) });
  const { client, rest } = await beginUpload(t, up, portOf.shop);

  await up.apply(edited({ shop: spec(fresh) }));
  client.send(rest);
  t.is((await client.message()).status, 200);
  client.send(requestText());
  t.is((await client.message()).status, 200);

  await untilCopies(up, { resource }, { sent: { answered: 2 } });
  t.deepEqual(only(old), ['POST / HTTP/1.1 halfrest']);
  t.deepEqual(only(fresh), ['GET / HTTP/1.1 ']);
  await untilGauges(up, { resource }, nothingHeld);
});

test('R19: a mirror that is taken away in the middle of a request still gets its copy, however late', async (t) => {
  const [backend, mirror] = await Promise.all([startRecorder(t), startRecorder(t)]);
  const hung = await startTcpOrigin(t, silent);
  const spec = (parts: object) => ({ rules: [ruleTo(backend, parts)] });
  const { up, portOf, edited } = await startRoutes(t, {
    shop: spec({ mirrors: [mirrorTo(mirror)] }),
    clock: spec({ mirrors: [mirrorTo(hung, { timeouts: { request: '1s' } })] }),
  });
  const { client, rest } = await beginUpload(t, up, portOf.shop);

  await up.apply(edited({ shop: spec({}) }), 'shop');
  await ask(t, portOf.clock, 1);
  await untilCopies(up, { resource: 'test/clock' }, { sent: { http_response_timeout: 1 } });
  client.send(rest);
  t.is((await client.message()).status, 200);

  await mirror.gotAll(1);
  t.deepEqual(only(mirror), ['POST / HTTP/1.1 halfrest']);
  await untilGauges(up, { resource }, nothingHeld);
});

test('a mirror that is taken away while it is left alone: nothing says so any more', async (t) => {
  const backend = await startRecorder(t);
  const spec = (parts: object) => ({ rules: [ruleTo(backend, parts)] });
  const circuitBreaker = { consecutiveFailures: 1, openFor: '1h', maxOpenFor: '1h' };
  const mirrors = [mirrorTo(nobody, { circuitBreaker })];
  const { up, portOf, edited } = await startRoutes(t, { shop: spec({ mirrors }) });
  await ask(t, portOf.shop, 1);
  await untilGauges(up, { resource }, { ...nothingHeld, breakerOpen: 1 });

  await up.apply(edited({ shop: spec({}) }));

  await untilGauges(up, { resource }, nothingHeld);
  t.pass();
});

test('an edit of limits holds at once for copies that wait', async (t) => {
  const [backend, mirror] = [await startRecorder(t), await startHolding(t)];
  const spec = (concurrent: number) => ({
    rules: [
      ruleTo(backend, { mirrors: [mirrorTo(mirror, { ...patient, limits: { concurrent } })] }),
    ],
  });
  const { up, portOf, edited } = await startRoutes(t, { shop: spec(1) });
  await ask(t, portOf.shop, 5);
  await untilGauges(up, { resource }, { ...nothingHeld, inflight: 1, queued: 4 });

  await up.apply(edited({ shop: spec(3) }));

  await untilGauges(up, { resource }, { ...nothingHeld, inflight: 3, queued: 2 });
  mirror.release();
  await untilCopies(up, { resource }, { sent: { answered: 5 } });
  t.pass();
});

/** Loaded into every thread: on SIGUSR2 those that serve meet a bug. */
const bug = `
  import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
  const channel = new BroadcastChannel('bug');
  channel.unref();
  if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('now'));
  else if (workerData?.worker === 0) channel.onmessage = () => setImmediate(() => { throw new Error('a bug') });
`;

test('a serving thread that dies gives back the places and bytes of its copies', async (t) => {
  const [backend, mirror] = [await startRecorder(t), await startTcpOrigin(t, silent)];
  const limits = { concurrent: 3, queue: 2, bufferedBytes: 5 };
  const { up, portOf } = await startRoutes(
    t,
    { shop: { rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror, { ...patient, limits })] })] } },
    { workers: 1, preload: bug },
  );
  const full = { inflight: 3, queued: 2, bufferedBytes: 5, breakerOpen: 0 };
  const text = requestText({ method: 'POST', body: 'x' });
  await ask(t, portOf.shop, 5, text);
  await untilGauges(up, { resource }, full);

  process.kill(up.pid, 'SIGUSR2');
  await untilMetric(up, 'headgate_worker_restarts_total', 1);

  await untilGauges(up, { resource }, nothingHeld);
  await ask(t, portOf.shop, 5, text);
  await untilGauges(up, { resource }, full);
  t.pass();
});
