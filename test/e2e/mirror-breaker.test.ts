import { createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import {
  type CopyCounts,
  copyCounts,
  copyGauges,
  nothingHeld,
  untilCounted,
  untilGauges,
} from '../support/copy-counts.ts';
import type { HeadgateUp } from '../support/headgate-up.ts';
import { mirrorTo, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { aloneAddress, silent } from '../support/mirror-targets.ts';
import { connectPeer } from '../support/peer.ts';
import { freePorts } from '../support/ports.ts';
import { startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// A mirror that fails is left alone for a while; one copy finds out whether it is back. One process
// serves the file.

const scope = fileScope();
const breakers = {
  opening: { openFor: '1h', maxOpenFor: '1h' },
  closing: {},
  probing: {},
  flapping: {},
  never: { consecutiveFailures: 0 },
  'of-503': { openFor: '1h', maxOpenFor: '1h' },
  'of-500': { openFor: '1h', maxOpenFor: '1h' },
} as const;
type Name = keyof typeof breakers;
const names = Object.keys(breakers) as Name[]; // the keys of this very record

let up: HeadgateUp;
let portOf: Readonly<Record<Name, number>>;
/** Of the mirrors: nobody listens there unless a test does. */
let ports: readonly number[];

test.before('a route for each test', async () => {
  const backend = await startRecorder(scope);
  ports = await freePorts(names.length);
  const specOf = (name: Name, at: number) => {
    const circuitBreaker = { consecutiveFailures: 3, openFor: '1s', ...breakers[name] };
    const mirror = mirrorTo(
      { authority: `${aloneAddress}:${ports[at]}` },
      { circuitBreaker, timeouts: { request: '60s' } },
    );
    return { rules: [ruleTo(backend, { mirrors: [mirror] })] };
  };
  const specs = names.map((name, at) => [name, specOf(name, at)]);
  ({ up, portOf } = await startRoutes<Name>(scope, Object.fromEntries(specs)));
});

type Client = {
  readonly mirrors: { readonly resource: string };
  /** Asks, and does not wait for the copy. */
  askOnce(): Promise<void>;
  /** Asks so many times, one copy after the other, and says what became of all of them so far. */
  askTimes(count: number): Promise<CopyCounts>;
};

async function clientOf(t: ExecutionContext, name: Name): Promise<Client> {
  const client = await connectPeer(t, portOf[name]);
  const mirrors = { resource: `test/${name}` };
  let asked = 0;
  const askOnce = async () => {
    client.send(requestText());
    t.is((await client.message()).status, 200);
    asked += 1;
  };
  return {
    mirrors,
    askOnce,
    async askTimes(count) {
      for (let left = count; left > 0; left -= 1) {
        await askOnce();
        await untilCounted(up, mirrors, asked);
      }
      return await copyCounts(up, mirrors);
    },
  };
}

/** The mirror of a route begins to listen, and does this with each connection. */
async function startMirror(t: ExecutionContext, name: Name, serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) =>
    server.listen(ports[names.indexOf(name)], aloneAddress, resolve),
  );
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

const answering = (status: string) => (socket: Socket) =>
  void socket.on('data', () => socket.write(answerText('', [], status)));

test('R15: it opens after so many failures in a row', async (t) => {
  const { mirrors, askTimes } = await clientOf(t, 'opening');

  t.deepEqual(await askTimes(3), { sent: { connection_refused: 3 }, skipped: {} });
  const skipped = { breaker_open: 2 };
  t.deepEqual(await askTimes(2), { sent: { connection_refused: 3 }, skipped });

  await untilGauges(up, mirrors, { ...nothingHeld, breakerOpen: 1 });
});

test('R15: it closes when the mirror is back', async (t) => {
  const { mirrors, askTimes } = await clientOf(t, 'closing');
  await askTimes(3);

  const connections = await startMirror(t, 'closing', answering('200 OK'));
  let counts = await askTimes(1);
  while (counts.sent['answered'] === undefined) counts = await askTimes(1);

  await untilGauges(up, mirrors, nothingHeld);
  const { sent, skipped } = await askTimes(10);
  t.deepEqual(sent, { connection_refused: 3, answered: 11 });
  t.deepEqual(skipped, counts.skipped);
  t.is(connections.size, 1, 'one connection, kept');
});

test('R15: when its time is over one copy is sent, and all others wait for what comes of that one', async (t) => {
  const { mirrors, askOnce, askTimes } = await clientOf(t, 'probing');
  await askTimes(3);

  const connections = await startMirror(t, 'probing', silent);
  while (connections.size === 0) await askOnce();
  for (let count = 0; count < 50; count += 1) await askOnce();

  t.deepEqual((await copyCounts(up, mirrors)).sent, { connection_refused: 3 });
  t.is(connections.size, 1);
  t.like(await copyGauges(up, mirrors), { inflight: 1, queued: 0 });
});

test('failures with answers between them open nothing', async (t) => {
  let connections = 0;
  await startMirror(t, 'flapping', (socket) => {
    connections += 1;
    if (connections % 3 === 0) socket.once('data', () => socket.end(answerText('ok')));
    else socket.destroy();
  });
  const { mirrors, askTimes } = await clientOf(t, 'flapping');

  const { sent, skipped } = await askTimes(12);

  t.deepEqual(skipped, {});
  t.is(sent['answered'], 4);
  t.is((await copyGauges(up, mirrors)).breakerOpen, 0);
});

test('R15: a mirror that answers 503 fails, as one that is not there', async (t) => {
  await startMirror(t, 'of-503', answering('503 Service Unavailable'));
  const { askTimes } = await clientOf(t, 'of-503');

  t.deepEqual(await askTimes(10), { sent: { answered: 3 }, skipped: { breaker_open: 7 } });
});

test('R15: a mirror that answers 500 works: that may be just what one mirrors for', async (t) => {
  await startMirror(t, 'of-500', answering('500 Internal Server Error'));
  const { askTimes } = await clientOf(t, 'of-500');

  t.deepEqual(await askTimes(10), { sent: { answered: 10 }, skipped: {} });
});

test('consecutiveFailures 0: it never opens', async (t) => {
  const { askTimes } = await clientOf(t, 'never');

  t.deepEqual(await askTimes(12), { sent: { connection_refused: 12 }, skipped: {} });
});
