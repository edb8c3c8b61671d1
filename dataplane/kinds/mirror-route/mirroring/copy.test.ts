import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startBlackHole } from '../../../../test/support/black-hole.ts';
import { startDnsServer } from '../../../../test/support/dns-server.ts';
import {
  at,
  type EngineWorld,
  engineWorld,
  isNothing,
  type MirrorParts,
} from '../../../../test/support/mirror-engine-world.ts';
import { oddAnswers, reluctant, silent } from '../../../../test/support/mirror-targets.ts';
import { startTcpOrigin } from '../../../../test/support/origin.ts';
import type { Message } from '../../../../test/support/peer.ts';
import { freePort } from '../../../../test/support/ports.ts';
import { answering, startScriptedOrigin } from '../../../../test/support/scripted-origin.ts';
import { workerContext } from '../../../../test/support/worker-context.ts';
import { createDialer, type Dialer } from '../../../net/dial.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const portOf = (authority: string) => Number(authority.split(':')[1]);

/** A mirror that answers as it should, and shows what it got. */
async function startMirror(t: ExecutionContext, answer = ok) {
  const { authority, connections } = await startScriptedOrigin(t, answering(answer));
  return { origin: at(portOf(authority)), connections };
}

/** A mirror that does something else with each connection. */
async function startOddMirror(t: ExecutionContext, behave: (socket: Socket) => void) {
  const { port, sockets } = await startTcpOrigin(t, behave);
  return { origin: at(port), sockets };
}

/** A megabyte in pieces of all sizes: more than the kernel takes at once. */
function post({ begin }: EngineWorld): void {
  const copies = begin({ method: 'POST', fields: ['Content-Type', 'text/plain'] });
  for (let kib = 1; kib <= 40; kib++) copies?.body(Buffer.alloc(kib * 1024, 'a'));
  copies?.complete();
}

async function ended(t: ExecutionContext, world: EngineWorld, outcome: string): Promise<void> {
  await world.idle();
  t.deepEqual(world.counts(), { sent: { [outcome]: 1 }, skipped: {} });
  t.true(isNothing(world.held()), String(world.held()));
}

test('a copy goes out when its request is whole, as it came but for the mark, and connections are kept', async (t) => {
  const { authority, connections } = await startScriptedOrigin(t, async (peer) => {
    for (;;) {
      const { startLine, fields, body } = await peer.message();
      received.push({ startLine, fields: fields.map(([name]) => name.toLowerCase()), body });
      peer.send(ok);
    }
  });
  const received: unknown[] = [];
  const world = engineWorld(t, [{ origin: at(portOf(authority)) }]);

  for (const text of ['first', 'second', 'third']) {
    const copies = world.begin({ method: 'POST', path: '/a?b=c' });
    copies?.body(Buffer.from(text));
    copies?.body(Buffer.from(' part'));
    t.is(world.engine.open(), 0);
    copies?.complete();
    t.is(world.engine.open(), 1);
    await world.idle();
  }

  const head = {
    startLine: 'POST /a?b=c HTTP/1.1',
    fields: ['host', 'connection', 'x-mirrored-by', 'content-length'],
  };
  t.deepEqual(received, [
    { ...head, body: 'first part' },
    { ...head, body: 'second part' },
    { ...head, body: 'third part' },
  ]);
  t.true(connections.length < 3);
  t.deepEqual(world.counts(), { sent: { answered: 3 }, skipped: {} });
  t.true(isNothing(world.held()));
});

test('of a body that is too long the beginning goes out with its whole length, if that is wanted', async (t) => {
  const received = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    received.resolve(await peer.message());
    peer.send(ok);
  });
  const origin = at(portOf(authority));
  const world = engineWorld(t, [{ origin, body: { maxBytes: 10, onOverflow: 'Truncate' } }]);

  const copies = world.begin({ method: 'POST', fields: ['Content-Length', '26'] });
  for (const text of ['abcdefgh', 'ijklmnop', 'qrstuvwxyz']) copies?.body(Buffer.from(text));
  copies?.complete();
  await ended(t, world, 'answered');

  const copy = await received.promise;
  t.is(copy.body, 'abcdefghij');
  t.is(copy.field('Content-Length'), '10');
  t.is(copy.field('Mirror-Truncated'), '26');
});

test('R6: whatever a mirror answers, its copy ends, and nothing is held any more', async (t) => {
  for (const { title, behave, outcome } of oddAnswers) {
    const { origin } = await startOddMirror(t, behave);
    const world = engineWorld(t, [{ origin }]);

    world.get();

    await t.notThrowsAsync(ended(t, world, outcome), title);
  }
});

test('R6: nor is when it does so in the middle of a body that it does not read', async (t) => {
  const early = 'HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n';
  const behaviours: readonly (readonly [(socket: Socket) => void, string])[] = [
    [(socket) => void socket.once('data', () => socket.resetAndDestroy()), 'connection_terminated'],
    [(socket) => void socket.once('data', () => socket.destroy()), 'connection_terminated'],
    [(socket) => void socket.once('data', () => socket.pause().write(early)), 'answered'],
  ];
  for (const [behave, outcome] of behaviours) {
    const { origin } = await startOddMirror(t, behave);
    const world = engineWorld(t, [{ origin }]);

    post(world);

    await ended(t, world, outcome);
  }
});

test('R2: a mirror that is not there, or resets at once', async (t) => {
  const nobody = engineWorld(t, [{ origin: at(await freePort()) }]);
  post(nobody);
  await ended(t, nobody, 'connection_refused');

  const { origin } = await startOddMirror(t, (socket) => socket.resetAndDestroy());
  const resetting = engineWorld(t, [{ origin }]);
  post(resetting);
  await ended(t, resetting, 'connection_terminated');
});

test('a mirror that neither accepts nor refuses is given up by the dialer, or when the copy has had its time', async (t) => {
  const { port } = await startBlackHole(t);
  const dialling = engineWorld(t, [{ origin: at(port) }]);
  post(dialling);
  while (dialling.engine.open() > 0) {
    dialling.context.dialer.sweep(Date.now() + 2000);
    await new Promise(setImmediate);
  }
  await ended(t, dialling, 'connection_timeout');

  const timeouts = { connectMs: 60_000, requestMs: 1000 };
  const dialer = createDialer();
  const begun = Promise.withResolvers<void>();
  let givenUp = 0;
  const dial: Dialer['dial'] = (request, done) => {
    const { abort } = dialer.dial(request, done);
    begun.resolve();
    return {
      abort() {
        givenUp++;
        abort();
      },
    };
  };
  const context = workerContext({ dialer: { ...dialer, dial } });
  const waiting = engineWorld(t, [{ origin: at(port), timeouts }], { context });
  post(waiting);
  await begun.promise;
  waiting.later(999);
  t.is(waiting.engine.open(), 1);
  waiting.later(1);
  await ended(t, waiting, 'http_response_timeout');
  t.is(givenUp, 1, 'nobody waits for the connection any more');
});

for (const [what, behave] of [
  ['never answers', silent],
  ['hardly reads', reluctant],
] as const) {
  test(`a mirror that ${what} loses its connection when the copy has had its time`, async (t) => {
    const accepted = Promise.withResolvers<Socket>();
    const { origin } = await startOddMirror(t, (socket) => {
      socket.on('end', () => socket.end());
      behave(socket);
      accepted.resolve(socket);
    });
    const world = engineWorld(t, [{ origin, timeouts: { connectMs: 2000, requestMs: 15_000 } }]);

    post(world);
    const socket = await accepted.promise;
    world.later(14_999);
    t.is(world.engine.open(), 1);
    world.later(1);

    await ended(t, world, 'http_response_timeout');
    if (!socket.destroyed) await new Promise((resolve) => socket.on('close', resolve).resume());
  });
}

test('a name that nobody knows, or of which nobody says anything in time', async (t) => {
  const dns = await startDnsServer(t);
  dns.set('silent.example', { fails: 'silence' });
  const context = () => workerContext({ dnsServers: [dns.address] });

  const unknown = engineWorld(t, [{ origin: at(80, 'unknown.example') }], { context: context() });
  post(unknown);
  await unknown.idle();
  t.deepEqual(unknown.counts(), { sent: {}, skipped: { dns: 1 } });

  const silence = engineWorld(t, [{ origin: at(80, 'silent.example') }], { context: context() });
  post(silence);
  silence.later(15_000);
  t.deepEqual(silence.counts(), { sent: {}, skipped: { dns: 1 } });
  for (const world of [unknown, silence]) t.true(isNothing(world.held()));
});

test('an address that may not be dialled is not, and neither is this pod itself', (t) => {
  const addressPolicy = {
    deny: ['Loopback' as const, 'Self' as const],
    allowCIDRs: [],
    denyCIDRs: [],
  };
  const denied = engineWorld(t, [{ origin: at(80) }], { route: { addressPolicy } });
  post(denied);
  t.deepEqual(denied.counts(), { sent: {}, skipped: { address: 1 } });

  const own = { ...addressPolicy, allowCIDRs: ['127.0.0.0/8'] };
  const context = workerContext({ isSelf: (_ip, port) => port === 80 });
  const loop = engineWorld(t, [{ origin: at(80) }], { context, route: { addressPolicy: own } });
  post(loop);
  t.deepEqual(loop.counts(), { sent: {}, skipped: { address: 1 } });
  for (const world of [denied, loop]) t.true(isNothing(world.held()));
});

test('a copy that cannot be kept or never gets whole is not sent, and says nothing of the mirror', (t) => {
  const cases: readonly (readonly [MirrorParts, string, string])[] = [
    [{ body: { maxBytes: 100_000 } }, 'complete', 'body_too_large'],
    [{ limits: { bufferedBytes: 100_000 } }, 'complete', 'buffer_bytes'],
    [{}, 'abandon', 'incomplete'],
  ];
  for (const [parts, end, reason] of cases) {
    const world = engineWorld(t, [{ origin: at(1), ...parts }]);
    const copies = world.begin({ method: 'POST' });
    for (let kib = 1; kib <= 40; kib++) copies?.body(Buffer.alloc(kib * 1024));
    if (end === 'complete') copies?.complete();
    else copies?.abandon();
    copies?.body(Buffer.from('too late'));
    copies?.complete();
    copies?.abandon();

    t.deepEqual(world.counts(), { sent: {}, skipped: { [reason]: 1 } });
    t.true(isNothing(world.held()), reason);
  }
});

test('R5: a client that leaves when its request is whole is copied all the same', async (t) => {
  const { origin } = await startMirror(t);
  const world = engineWorld(t, [{ origin }]);

  const copies = world.begin();
  copies?.complete();
  copies?.abandon();

  await ended(t, world, 'answered');
});

test('an answer that says it is longer than is read is not read at all', async (t) => {
  const { origin, connections } = await startMirror(
    t,
    'HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n',
  );
  const world = engineWorld(t, [{ origin }]);

  for (let count = 0; count < 4; count++) {
    world.get();
    await world.idle();
  }

  t.deepEqual(world.counts(), { sent: { answered: 4 }, skipped: {} });
  t.is(connections.length, 4);
});
