import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { MirrorConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { at, engineWorld, isNothing } from '../../../../test/support/mirror-engine-world.ts';
import { startTcpOrigin } from '../../../../test/support/origin.ts';
import { freePort } from '../../../../test/support/ports.ts';
import { startRecorder } from '../../../../test/support/recorder.ts';
import { makeAuthority } from '../../../../test/support/tls.ts';

const circuitBreaker = {
  consecutiveFailures: 2,
  intervalMs: 30_000,
  openForMs: 10_000,
  maxOpenForMs: 300_000,
};

/** A mirror whose answers have the status it has at that time; `null`: none. */
async function startMirror(t: ExecutionContext, first: number | null = 200) {
  const state = { status: first };
  const { port } = await startTcpOrigin(t, (socket: Socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => {
      const { status } = state;
      if (status !== null) socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`);
    });
  });
  return { origin: at(port), state };
}

test('R15: it opens after failures in a row, probes with one copy, and closes when that is answered', async (t) => {
  const { origin, state } = await startMirror(t, 503);
  const world = engineWorld(t, [{ origin, circuitBreaker }]);
  const open = () => world.context.values('headgate_mirror_breaker_open', 'mirror')['canary'] ?? 0;
  const send = async () => {
    world.get();
    await world.idle();
  };

  await send();
  await send();
  await send();
  t.deepEqual(world.counts(), { sent: { answered: 2 }, skipped: { breaker_open: 1 } });
  world.later(9999);
  await send();
  t.deepEqual([open(), world.counts().skipped['breaker_open']], [1, 2]);

  world.later(1);
  await send(); // the probe fails
  world.later(19_999);
  await send();
  t.deepEqual(world.counts(), { sent: { answered: 3 }, skipped: { breaker_open: 3 } });

  state.status = 200;
  world.later(1);
  await send();
  world.later(0);
  t.is(open(), 0);
  await send();
  t.deepEqual(world.counts(), { sent: { answered: 5 }, skipped: { breaker_open: 3 } });
});

test('while one copy probes, all others are skipped, those that wait too', async (t) => {
  const { origin, state } = await startMirror(t, 503);
  const world = engineWorld(t, [{ origin, circuitBreaker }]);
  for (let count = 0; count < 2; count++) {
    world.get();
    await world.idle();
  }
  state.status = null;
  world.later(10_000);

  const begun = world.begin();
  world.get();
  begun?.complete();
  t.is(world.begin(), null);
  t.is(world.engine.open(), 1);
  t.deepEqual(world.counts().skipped, { breaker_open: 2 });

  world.later(15_000); // the probe has had its time
  t.deepEqual(world.counts().sent, { answered: 2, http_response_timeout: 1 });
  t.is(world.begin(), null);
  t.true(isNothing(world.held()));
});

test('a 500 is an answer of a mirror that works', async (t) => {
  const { origin } = await startMirror(t, 500);
  const world = engineWorld(t, [{ origin, circuitBreaker }]);

  for (let count = 0; count < 5; count++) {
    world.get();
    await world.idle();
  }

  t.deepEqual(world.counts(), { sent: { answered: 5 }, skipped: {} });
});

test('a probe that is not sent after all leaves its place to the next', async (t) => {
  const { origin, state } = await startMirror(t, 503);
  const parts = { origin, circuitBreaker };
  let self = false;
  const addressPolicy = { deny: ['Self' as const], allowCIDRs: [], denyCIDRs: [] };
  const world = engineWorld(t, [parts], { route: { addressPolicy }, isSelf: () => self });
  for (let count = 0; count < 2; count++) {
    world.get();
    await world.idle();
  }
  world.later(10_000);

  self = true;
  world.get();
  self = false;
  state.status = 200;
  world.get();
  await world.idle();

  t.deepEqual(world.counts(), { sent: { answered: 3 }, skipped: { address: 1 } });
});

test('another mirror in its place begins anew, whatever still becomes of copies to the one before', async (t) => {
  const gone = at(await freePort());
  const { origin } = await startMirror(t);
  const limits = { concurrent: 9, queue: 9 };
  const world = engineWorld(t, [{ origin: gone, circuitBreaker, limits }]);
  const begun = [1, 2, 3, 4].map(() => world.begin());
  for (const copies of begun.slice(0, 2)) {
    copies?.complete();
    await world.idle();
  }
  t.is(world.begin(), null);

  world.swap({ origin, circuitBreaker, limits });
  for (const copies of begun.slice(2)) {
    copies?.complete();
    await world.idle();
  }
  world.get();
  await world.idle();

  t.deepEqual(world.counts().sent, { connection_refused: 4, answered: 1 });
});

test('a copy to the mirror before never probes the one in its place', async (t) => {
  const before = await startMirror(t);
  const { origin, state } = await startMirror(t, 503);
  const world = engineWorld(t, [{ origin: before.origin, circuitBreaker }]);
  const late = world.begin();
  world.swap({ origin, circuitBreaker });
  for (let count = 0; count < 2; count++) {
    world.get();
    await world.idle();
  }
  world.later(10_000);
  t.is(world.budget().admits(circuitBreaker, 1_800_000_010_000), 'probe');

  late?.complete();
  await world.idle();
  state.status = 200;
  world.get();
  await world.idle();

  t.deepEqual(world.counts(), { sent: { answered: 4 }, skipped: {} });
  t.is(world.budget().admits(circuitBreaker, 1_800_000_010_000), 'all');
});

test('a mirror whose name has no address fails', async (t) => {
  const world = engineWorld(t, [{ origin: at(80, 'unknown.example'), circuitBreaker }]);

  for (let count = 0; count < 3; count++) {
    world.get();
    await world.idle();
  }

  t.deepEqual(world.counts(), { sent: {}, skipped: { dns: 2, breaker_open: 1 } });
});

test('a mirror that failed for want of trust is tried at once when another authority is trusted', async (t) => {
  const [ours, other] = [await makeAuthority(t), await makeAuthority(t)];
  const mirror = await startRecorder(t, undefined, await ours.issue());
  const trusting = (pem: string): MirrorConfig['origin'] => ({
    ...{ scheme: 'https', host: '127.0.0.1', port: mirror.port, service: null, protocol: 'HTTP1' },
    tls: {
      ...{ hostname: 'localhost', minVersion: 'TLSv1.2' },
      caCertificates: [{ namespace: 'team-a', name: 'ca', pem }],
    },
  });
  const world = engineWorld(t, [{ origin: trusting(other.ca), circuitBreaker }]);
  for (let count = 0; count < 3; count++) {
    world.get();
    await world.idle();
  }

  world.swap({ origin: trusting(other.ca), circuitBreaker });
  world.get();
  await world.idle();
  world.swap({ origin: trusting(ours.ca), circuitBreaker });
  world.get();
  await world.idle();

  t.deepEqual(world.counts(), {
    sent: { tls_certificate_error: 2, answered: 1 },
    skipped: { breaker_open: 2 },
  });
});
