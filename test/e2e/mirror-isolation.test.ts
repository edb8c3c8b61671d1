import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/ask.ts';
import { startBlackHole } from '../support/black-hole.ts';
import {
  copyCounts,
  copyGauges,
  nothingHeld,
  untilCopies,
  untilGauges,
} from '../support/copy-counts.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { mirrorTo, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { nobody, oddAnswers, silent } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';

// Whatever a mirror does, clients and backends do not notice. The cases are R1 to R8 of
// research/forward-and-mirror.md §5.7.

const noBreaker = { circuitBreaker: { consecutiveFailures: 0 } };

/** Sends so many requests at once over and over, and checks that the answers are theirs, in order. */
async function pipeline(t: ExecutionContext, client: Peer, count: number, atOnce = 100) {
  for (let first = 0; first < count; first += atOnce) {
    const targets = Array.from({ length: atOnce }, (_, at) => `/${first + at}`);
    client.send(targets.map((target) => requestText({ target })).join(''));
    for (const target of targets) {
      const { status, body } = await client.message();
      if (status !== 200 || body !== target) t.fail(`${target} was answered ${status} ${body}`);
    }
  }
}

const tellingPath = (t: ExecutionContext) =>
  startRecorder(t, ({ startLine }) => answerText(startLine.split(' ')[1] ?? ''));

test('R1: a mirror that takes everything and never answers: 10,000 requests of one connection are answered in order', async (t) => {
  const [backend, mirror] = await Promise.all([tellingPath(t), startTcpOrigin(t, silent)]);
  const limits = { concurrent: 4, queue: 8 };
  const mirrors = [mirrorTo(mirror, { limits, timeouts: { request: '60s' }, ...noBreaker })];
  const { up, portOf } = await startRoutes(t, {
    hung: { accessLog: { enabled: false }, rules: [ruleTo(backend, { mirrors })] },
  });
  const client = await connectPeer(t, portOf.hung);

  await pipeline(t, client, 10_000);

  t.is(backend.received.length, 10_000);
  await untilCopies(up, { resource: 'test/hung' }, { skipped: { queue_full: 10_000 - 12 } });
  t.like(await copyGauges(up, { resource: 'test/hung' }), { inflight: 4, queued: 8 });
  t.is(mirror.sockets.size, 4);
});

test('R2: mirrors that cannot be reached or never answer: one count each, and the primary is served', async (t) => {
  const backend = await startRecorder(t);
  const dns = await startDnsServer(t);
  dns.set('silent.test', { fails: 'silence' });
  const timeouts = { connect: '1s', request: '3s' };
  const { authority: hole } = await startBlackHole(t);
  const { authority: mute } = await startTcpOrigin(t, silent);
  const route = (authority: string) => ({
    dns: { timeout: '1s' },
    rules: [ruleTo(backend, { mirrors: [mirrorTo({ authority }, { timeouts })] })],
  });
  const { up, portOf } = await startRoutes(
    t,
    {
      refusing: route(nobody.authority),
      hole: route(hole),
      mute: route(mute),
      nameless: route('nowhere.test'),
      silent: route('silent.test'),
      forbidden: route('169.254.169.254'),
    },
    { args: ['--dns-server', dns.address] },
  );

  for (const port of Object.values(portOf)) {
    t.is((await ask(t, port, requestText())).status, 200);
  }

  const came = (name: keyof typeof portOf, counts: Parameters<typeof untilCopies>[2]) =>
    untilCopies(up, { resource: `test/${name}` }, counts);
  await came('refusing', { sent: { connection_refused: 1 } });
  await came('hole', { sent: { connection_timeout: 1 } });
  await came('mute', { sent: { http_response_timeout: 1 } });
  await came('nameless', { skipped: { dns: 1 } });
  await came('silent', { skipped: { dns: 1 } });
  await came('forbidden', { skipped: { address: 1 } });
});

test('R6: whatever a mirror answers is read up to a bound and thrown away, and nothing stays behind', async (t) => {
  const backend = await startRecorder(t);
  const elsewhere = await startRecorder(t);
  const moved = await startRecorder(t, () =>
    answerText('', [`Location: http://${elsewhere.authority}/`], '301 Moved Permanently'),
  );
  const odd = await Promise.all(
    oddAnswers.map(async (answer, at) => {
      const mirror = await startTcpOrigin(t, answer.behave);
      return { ...answer, ...mirror, name: `odd-${at}` };
    }),
  );
  const route = (target: { readonly authority: string }) => ({
    rules: [ruleTo(backend, { mirrors: [mirrorTo(target, noBreaker)] })],
  });
  const { up, portOf } = await startRoutes<string>(t, {
    moved: route(moved),
    ...Object.fromEntries(odd.map((mirror) => [mirror.name, route(mirror)])),
  });

  for (const [name, port] of Object.entries(portOf)) {
    t.is((await ask(t, port, requestText())).status, 200, name);
  }

  for (const { name, title, outcome, kept, sockets } of odd) {
    const mirrors = { resource: `test/${name}` };
    await t.notThrowsAsync(untilCopies(up, mirrors, { sent: { [outcome]: 1 } }), title);
    await untilGauges(up, mirrors, nothingHeld);
    while (!kept && sockets.size > 0) await up.metrics();
  }
  await untilCopies(up, { resource: 'test/moved' }, { sent: { answered: 1 } });
  t.is(elsewhere.received.length, 0, 'it is not followed');
});

test('R8: one of three mirrors hangs, and the others get everything', async (t) => {
  const [backend, first, third] = [
    await tellingPath(t),
    await startRecorder(t),
    await startRecorder(t),
  ];
  const hung = await startTcpOrigin(t, silent);
  const roomy = { limits: { queue: 10_000 } };
  const mirrors = [
    mirrorTo(first, { name: 'first', ...roomy }),
    mirrorTo(hung, { name: 'hung', limits: { concurrent: 1, queue: 0 }, ...noBreaker }),
    mirrorTo(third, { name: 'third', ...roomy }),
  ];
  const { up, portOf } = await startRoutes(t, { three: { rules: [ruleTo(backend, { mirrors })] } });
  const count = 500;

  await pipeline(t, await connectPeer(t, portOf.three), count);

  for (const mirror of ['first', 'third']) {
    await untilCopies(up, { resource: 'test/three', mirror }, { sent: { answered: count } });
  }
  const { skipped } = await copyCounts(up, { resource: 'test/three', mirror: 'hung' });
  t.deepEqual(skipped, { queue_full: count - 1 });
  const paths = ({ received }: Recorder) => received.map(({ startLine }) => startLine).toSorted();
  t.deepEqual(paths(first), paths(backend));
  t.deepEqual(paths(third), paths(backend));
});
