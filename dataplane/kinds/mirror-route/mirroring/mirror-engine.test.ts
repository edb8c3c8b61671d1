import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import {
  at,
  engineWorld,
  isNothing,
  type MirrorParts,
  type RequestParts,
} from '../../../../test/support/mirror-engine-world.ts';
import { silent } from '../../../../test/support/mirror-targets.ts';
import { startOrigin, startTcpOrigin } from '../../../../test/support/origin.ts';
import { workerContext } from '../../../../test/support/worker-context.ts';
import { createDialer } from '../../../net/dial.ts';

/** Answers what it is told to, when it is told to; its number of requests is that of `asked`. */
async function startHeldMirror(t: ExecutionContext) {
  const asked: Socket[] = [];
  let wake = Promise.withResolvers<void>();
  const { port, sockets } = await startTcpOrigin(t, (socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => {
      asked.push(socket);
      wake.resolve();
      wake = Promise.withResolvers();
    });
  });
  return {
    origin: at(port),
    asked,
    sockets,
    async untilAsked(count: number) {
      while (asked.length < count) await wake.promise;
    },
    answer(count = 1) {
      for (const socket of asked.splice(0, count)) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    },
  };
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise((resolve) => socket.on('close', resolve));
}

test('a request of which nobody gets a copy costs a count, and has nothing to be told', (t) => {
  const cases: readonly (readonly [MirrorParts, RequestParts, string])[] = [
    [{ fraction: { numerator: 0, denominator: 100 } }, {}, 'not_sampled'],
    [{ methods: ['GET'] }, { method: 'POST' }, 'method'],
    [{}, { fields: ['x-mirrored-by', 'team-a/shop'] }, 'loop'],
    [{ path: { type: 'AddPrefix', value: '/shadow' } }, { path: '/a/%2e%2e/../admin' }, 'path'],
    [
      { body: { maxBytes: 9 } },
      { method: 'POST', fields: ['Content-Length', '10'] },
      'body_too_large',
    ],
  ];
  for (const [parts, request, reason] of cases) {
    const world = engineWorld(t, [{ origin: at(1), ...parts }]);

    t.is(world.begin(request), null);

    t.deepEqual(world.counts(), { sent: {}, skipped: { [reason]: 1 } });
  }
});

test('a body that is said to be long may be cut, or left out', (t) => {
  const request = { method: 'POST', fields: ['Content-Length', '10'] };
  const cut = engineWorld(t, [{ body: { maxBytes: 9, onOverflow: 'Truncate' } }]);
  const left = engineWorld(t, [{ body: { maxBytes: 9, mode: 'Omit' } }]);

  for (const world of [cut, left]) t.not(world.begin(request), null);
});

test('connections that switch protocols are never copied', (t) => {
  const world = engineWorld(t, [{ name: 'one' }, { name: 'two' }]);

  world.engine.skipUpgrade({ mirrors: [] });
  t.deepEqual(world.counts().skipped, {});
  world.skipUpgrade();

  t.deepEqual(world.context.values('headgate_mirror_skipped_total', 'mirror'), { one: 1, two: 1 });
  t.deepEqual(world.counts().skipped, { upgrade: 1 });
});

test('a thread that is late copies nothing until it is not', (t) => {
  const world = engineWorld(t, [{}]);
  t.not(world.begin(), null);

  world.loopBusy = true;
  world.later(1000);
  t.is(world.begin(), null);
  world.loopBusy = false;
  world.later(1000);
  t.not(world.begin(), null);

  t.deepEqual(world.counts().skipped, { loop_busy: 1 });
});

test('where descriptors are short no copy is sent, and kept connections of mirrors are closed', async (t) => {
  let crowded = false;
  const dialer = { ...createDialer(), crowded: () => crowded };
  const mirror = await startHeldMirror(t);
  const context = workerContext({ dialer });
  const world = engineWorld(t, [{ origin: mirror.origin }], { context });
  world.get();
  await mirror.untilAsked(1);
  mirror.answer();
  await world.idle();
  const [connection] = mirror.sockets;

  crowded = true;
  t.is(world.begin(), null);
  world.later(1000);

  if (connection !== undefined) await closed(connection);
  t.deepEqual(world.counts(), { sent: { answered: 1 }, skipped: { connections: 1 } });
});

test('only so many copies begin in a second', async (t) => {
  const { port } = await startOrigin(t);
  const world = engineWorld(t, [{ origin: at(port), limits: { requestsPerSecond: 2 } }]);

  for (let count = 0; count < 3; count++) world.get();
  world.later(500);
  for (let count = 0; count < 2; count++) world.get();
  await world.idle();

  t.deepEqual(world.counts(), { sent: { answered: 3 }, skipped: { rate: 2 } });
});

test('copies under way and waiting are shown, and are no more than there may be', async (t) => {
  const mirror = await startHeldMirror(t);
  const limits = { concurrent: 2, queue: 1 };
  const world = engineWorld(t, [{ origin: mirror.origin, limits }]);
  for (let count = 0; count < 5; count++) world.get();
  await mirror.untilAsked(2);

  const shown = (name: 'inflight' | 'queued') =>
    world.context.values(`headgate_mirror_${name}`, 'mirror')['canary'];
  t.deepEqual([shown('inflight'), shown('queued')], [2, 1]);
  t.is(world.begin({ method: 'POST' }), null, 'nothing of a body is held in vain');
  t.deepEqual(world.counts().skipped, { queue_full: 3 });

  mirror.answer(2);
  await mirror.untilAsked(1);
  mirror.answer();
  await world.idle();
  t.deepEqual(world.counts().sent, { answered: 3 });
  t.true(isNothing(world.held()));
});

test('R8: of three mirrors one never answers, and the others get everything', async (t) => {
  const { port } = await startTcpOrigin(t, silent);
  const { port: good, requests } = await startOrigin(t);
  const hung = { name: 'hung', origin: at(port), limits: { concurrent: 1, queue: 1 } };
  const world = engineWorld(t, [
    hung,
    { name: 'one', origin: at(good) },
    { name: 'two', origin: at(good) },
  ]);

  for (let count = 0; count < 10; count++) {
    const copies = world.begin({ method: 'POST' });
    copies?.body(Buffer.alloc(1000));
    copies?.complete();
  }
  while (requests.length < 20) await new Promise(setImmediate);

  t.is(world.budget('hung').total('bytes'), 2000);
  t.deepEqual(world.counts().skipped, { queue_full: 8 });
});

test('threads have their places together, and one that waits hears of a free one at once', async (t) => {
  const mirror = await startHeldMirror(t);
  const budgets = {};
  const parts = { origin: mirror.origin, limits: { concurrent: 1, queue: 5 } };
  const [one, two] = [0, 1].map((worker) =>
    engineWorld(t, [parts], { budgets, context: workerContext({ worker, workers: 2 }) }),
  );
  one?.get();
  two?.get();
  await mirror.untilAsked(1);
  t.is(mirror.asked.length, 1);

  mirror.answer();
  await mirror.untilAsked(1); // without a sweep
  mirror.answer();
  await Promise.all([one?.idle(), two?.idle()]);

  t.true(isNothing([...(one?.held() ?? []), ...(two?.held() ?? [])]));
});

test('R19: copies that have begun keep their mirror, new ones go to the new one, and old connections are closed', async (t) => {
  const [before, after] = [await startHeldMirror(t), await startHeldMirror(t)];
  const limits = { concurrent: 1, queue: 5 };
  const world = engineWorld(t, [{ origin: before.origin, limits }]);
  world.get();
  world.get();
  const collecting = world.begin();
  await before.untilAsked(1);

  world.swap({ origin: after.origin, limits });
  collecting?.complete();
  world.get();
  for (let count = 0; count < 3; count++) {
    await before.untilAsked(1);
    before.answer();
  }
  await after.untilAsked(1);
  after.answer();
  await world.idle();

  t.deepEqual(world.counts(), { sent: { answered: 4 }, skipped: {} });
  await Promise.all([...before.sockets].map(closed));
  t.true(isNothing(world.held()));
});

test('a mirror that is taken away still gets the copies that have begun', async (t) => {
  const mirror = await startHeldMirror(t);
  const limits = { concurrent: 1, queue: 5 };
  const world = engineWorld(t, [{ origin: mirror.origin, limits }]);
  world.get();
  world.get();
  await mirror.untilAsked(1);

  world.swap();
  t.is(world.begin(), null);
  world.later(1000);
  for (let count = 0; count < 2; count++) {
    await mirror.untilAsked(1);
    mirror.answer();
  }
  await world.idle();
  world.later(1000);

  t.deepEqual(world.counts(), { sent: { answered: 2 }, skipped: {} });
  t.true(isNothing(world.held()));
});

test('R17: a drain drops copies that wait, lets those under way end, and nothing begins any more', async (t) => {
  const mirror = await startHeldMirror(t);
  const limits = { concurrent: 1, queue: 5 };
  const world = engineWorld(t, [{ origin: mirror.origin, limits }]);
  world.get();
  world.get();
  const collecting = world.begin();
  await mirror.untilAsked(1);

  world.engine.drain();
  t.is(world.engine.open(), 1);
  collecting?.complete();
  t.is(world.begin(), null);
  mirror.answer();
  await world.idle();

  t.deepEqual(world.counts(), { sent: { answered: 1 }, skipped: { draining: 3 } });
  t.true(isNothing(world.held()));
});

test('when it closes everything ends and is given back', async (t) => {
  const mirror = await startHeldMirror(t);
  const limits = { concurrent: 1, queue: 5 };
  const world = engineWorld(t, [{ origin: mirror.origin, limits }]);
  for (let count = 0; count < 2; count++) {
    const copies = world.begin({ method: 'POST' });
    copies?.body(Buffer.alloc(1000));
    copies?.complete();
  }
  const collecting = world.begin({ method: 'POST' });
  collecting?.body(Buffer.alloc(1000));
  await mirror.untilAsked(1);
  const [connection] = mirror.sockets;

  world.engine.close();
  collecting?.complete();

  t.deepEqual(world.counts(), { sent: { connection_terminated: 1 }, skipped: { draining: 2 } });
  t.true(isNothing(world.held()));
  if (connection !== undefined) await closed(connection);
});
