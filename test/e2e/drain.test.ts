import test, { type ExecutionContext } from 'ava';
import { get, ok } from '../support/ask.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { echo, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

// How things end. Each test ends a process of its own.

type Drain = { readonly timeout: string; readonly jitter: string };

const withDrain = (port: number, drain: Drain) => forwardProxy({ port, spec: { drain } });

const start = (t: ExecutionContext, drain: Drain, args: readonly string[] = []) =>
  startHeadgate(t, { resources: ([port = 0]) => withDrain(port, drain), args });

async function openTunnel(t: ExecutionContext, up: HeadgateUp, port = up.port): Promise<Peer> {
  const { authority } = await startTcpOrigin(t, echo);
  const peer = await connectPeer(t, port);
  peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  t.is((await peer.head()).status, 200);
  return peer;
}

async function stillEchoes(t: ExecutionContext, peer: Peer): Promise<void> {
  peer.send('ping');
  t.is(await peer.bytes(4), 'ping');
}

const draining = (up: HeadgateUp) => up.stderr.next((line) => line.includes('"draining"'));

/** Until nobody listens there any more. */
async function refusesConnections(t: ExecutionContext, port: number): Promise<void> {
  for (;;) {
    try {
      (await connectPeer(t, port)).socket.destroy();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return;
    }
  }
}

test('SIGTERM lets what is under way finish, closes what is kept and takes nothing new', async (t) => {
  const release = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { authority } = await startScriptedOrigin(t, async (origin, index) => {
    await origin.message();
    if (index === 0) {
      origin.send(ok);
      await origin.message();
    }
    asked.resolve();
    await release.promise;
    origin.send(ok);
  });
  const up = await start(t, { timeout: '1m', jitter: '0s' });
  const [kept, busy] = [await connectPeer(t, up.port), await connectPeer(t, up.port)];
  kept.send(get(authority));
  t.is((await kept.message()).status, 200);
  busy.send(get(authority));
  const tunnel = await openTunnel(t, up);
  await asked.promise;
  t.is((await fetch(`${up.admin}/readyz`)).status, 200);

  const exited = up.stop('SIGTERM');
  await draining(up);
  await refusesConnections(t, up.port);

  t.is((await kept.rest()).text, '');
  await stillEchoes(t, tunnel);
  t.is((await fetch(`${up.admin}/readyz`)).status, 503);
  t.is((await fetch(`${up.admin}/healthz`)).status, 200);

  release.resolve();
  const answer = await busy.message();
  t.is(answer.body, 'ok');
  t.is(answer.field('connection')?.toLowerCase(), 'close');
  t.deepEqual(await busy.rest(), { text: '', end: 'fin' });

  await stillEchoes(t, tunnel);
  tunnel.socket.end();
  await tunnel.rest();
  t.deepEqual(await exited, { code: 0, signal: null });
});

test('who asks on a kept connection just as the drain begins is answered, and told that it ends', async (t) => {
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    for (;;) {
      await origin.message();
      origin.send(ok);
    }
  });
  const up = await start(t, { timeout: '1m', jitter: '0s' });
  const kept = await connectPeer(t, up.port);
  kept.send(get(authority));
  t.is((await kept.message()).status, 200);

  const exited = up.stop('SIGTERM');
  await draining(up);
  kept.send(get(authority));

  const answer = await kept.message();
  t.is(answer.body, 'ok');
  t.is(answer.field('connection')?.toLowerCase(), 'close');
  t.deepEqual(await exited, { code: 0, signal: null });
});

test('what still runs after drain.timeout is cut, and said to be', async (t) => {
  const asked = Promise.withResolvers<void>();
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    asked.resolve();
    await origin.rest();
  });
  const up = await start(t, { timeout: '1s', jitter: '0s' });
  const tunnel = await openTunnel(t, up);
  const busy = await connectPeer(t, up.port);
  busy.send(get(authority));
  await asked.promise;

  const startedMs = performance.now();
  const exited = up.stop('SIGTERM');
  await tunnel.rest();
  const tookMs = performance.now() - startedMs;

  t.true(tookMs >= 990, `${tookMs}`);
  await busy.rest();
  t.deepEqual(await exited, { code: 0, signal: null });
  t.like(await up.accessLog(({ type }) => type === 'connect'), { code: 'drained', status: 200 });
  t.like(await up.accessLog(({ type }) => type === 'plain'), { code: 'drained', status: 499 });
});

test('drain.timeout 0s cuts at once', async (t) => {
  const up = await start(t, { timeout: '0s', jitter: '5m' });
  const tunnel = await openTunnel(t, up);

  t.deepEqual(await up.stop('SIGTERM'), { code: 0, signal: null });
  await tunnel.rest();
});

test('jitter spreads what is closed and what is cut', async (t) => {
  const up = await start(t, { timeout: '4s', jitter: '3s' });
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    for (;;) {
      await origin.message();
      origin.send(ok);
    }
  });
  const idle = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const peer = await connectPeer(t, up.port);
      peer.send(get(authority));
      await peer.message();
      return peer;
    }),
  );
  const tunnels = await Promise.all(Array.from({ length: 20 }, () => openTunnel(t, up)));
  const endsAt = (peers: readonly Peer[]) =>
    Promise.all(peers.map((peer) => peer.rest().then(() => performance.now())));

  const startedMs = performance.now();
  const exited = up.stop('SIGTERM');
  const [closedAt, cutAt] = await Promise.all([endsAt(idle), endsAt(tunnels)]);

  for (const times of [closedAt, cutAt]) {
    t.true(Math.max(...times) - Math.min(...times) > 500, times.join(' '));
  }
  t.true(Math.min(...cutAt) - startedMs >= 3990);
  t.deepEqual(await exited, { code: 0, signal: null });
});

test('--drain-grace goes on accepting after SIGTERM, not ready any more', async (t) => {
  const up = await start(t, { timeout: '0s', jitter: '0s' }, ['--drain-grace', '3600']);
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    origin.send(ok);
  });

  process.kill(up.pid, 'SIGTERM');
  while ((await fetch(`${up.admin}/readyz`)).status !== 503);
  const late = await connectPeer(t, up.port);
  late.send(get(authority));

  t.is((await late.message()).status, 200);
  t.deepEqual(await up.stop('SIGINT'), { code: 0, signal: null });
});

test('SIGINT drains; a second one ends with 130 at once', async (t) => {
  const up = await start(t, { timeout: '1h', jitter: '0s' });
  const tunnel = await openTunnel(t, up);

  const exited = up.stop('SIGINT');
  await draining(up);
  await stillEchoes(t, tunnel);
  process.kill(up.pid, 'SIGINT');

  t.deepEqual(await exited, { code: 130, signal: null });
});

test('a resource that is removed drains; its neighbour does not notice', async (t) => {
  const two = (a: number, b: number) =>
    forwardProxy({ name: 'leaving', port: a, spec: { drain: { timeout: '3s', jitter: '0s' } } }) +
    forwardProxy({ name: 'staying', port: b });
  const up = await startHeadgate(t, { ports: 2, resources: ([a = 0, b = 0]) => two(a, b) });
  const [leaving = 0, staying = 0] = up.ports;
  const [going, kept] = [await openTunnel(t, up, leaving), await openTunnel(t, up, staying)];

  await up.write(forwardProxy({ name: 'staying', port: staying }));
  await up.stdout.next((line) => line.includes('leaving removed'));
  await refusesConnections(t, leaving);

  await stillEchoes(t, going);
  await untilMetric(up, 'headgate_drain_remaining', 1);
  await going.rest();
  await untilMetric(up, 'headgate_drain_remaining', 0);
  t.like(await up.accessLog(({ resource }) => resource === 'test/leaving'), { code: 'drained' });
  await stillEchoes(t, kept);
});
