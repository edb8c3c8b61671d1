import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { ProxyError } from '../../contracts/errors.ts';
import { startBlackHole } from '../../test/support/black-hole.ts';
import { peerOf } from '../../test/support/peer.ts';
import { freePort } from '../../test/support/ports.ts';
import { type Ip, parseIp } from '../protocols/ip-address.ts';
import { codeOf, createDialer, type Dialer } from './dial.ts';

const ip = (text: string): Ip => {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`${text} is no address`);
  return parsed;
};

/** Accepts, and counts what it accepted. */
async function listen(t: ExecutionContext, host: string, port = 0) {
  const accepted: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
  });
  t.teardown(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, accepted, port: address.port };
}

/** The outcome of a dial to these addresses. */
async function dial(
  t: ExecutionContext,
  dialer: Dialer,
  hosts: readonly string[],
  port: number,
): Promise<{ readonly failure: ProxyError | null; readonly socket: Socket | null }> {
  const { promise, resolve } = Promise.withResolvers<{
    failure: ProxyError | null;
    socket: Socket | null;
  }>();
  dialer.dial(
    { addresses: hosts.map(ip), port, timeoutMs: 60_000, tls: null },
    (failure, socket) => {
      if (socket !== null) t.teardown(() => socket.destroy());
      resolve({ failure, socket });
    },
  );
  return promise;
}

test('a dial ends in a connected socket that nobody else listens to', async (t) => {
  const { port } = await listen(t, '127.0.0.1');

  const { failure, socket } = await dial(t, createDialer(), ['127.0.0.1'], port);

  t.is(failure, null);
  t.is(socket?.remotePort, port);
  t.is(socket?.listenerCount('error'), 0, 'whoever takes it hears its errors');
});

test('an upstream that finishes first still gets the rest of an upload', async (t) => {
  const { server, port } = await listen(t, '127.0.0.1');
  const [{ socket }, [upstream]] = await Promise.all([
    dial(t, createDialer(), ['127.0.0.1'], port),
    once(server, 'connection') as Promise<[Socket]>,
  ]);
  const received = peerOf(upstream);

  upstream.end();
  socket?.resume();
  await once(socket ?? upstream, 'end');
  socket?.end('the rest');

  t.deepEqual(await received.rest(), { text: 'the rest', end: 'fin' });
});

test('a refused connection is said to be one, with its address', async (t) => {
  const port = await freePort();

  const { failure, socket } = await dial(t, createDialer(), ['127.0.0.1'], port);

  t.is(socket, null);
  t.like(failure, {
    code: 'connection_refused',
    message: `connection refused to 127.0.0.1 port ${port}`,
  });
  t.like(failure?.cause, { code: 'ECONNREFUSED' });
});

test('when one address refuses the next is dialled at once, and only when all do the dial fails', async (t) => {
  const { port } = await listen(t, '127.0.3.2', await freePort());
  const dialer = createDialer();

  const one = await dial(t, dialer, ['127.0.3.1', '127.0.3.2'], port);
  const none = await dial(t, dialer, ['127.0.3.3', '127.0.3.4'], port);

  t.is(one.socket?.remoteAddress, '127.0.3.2');
  t.like(none.failure, { code: 'connection_refused' });
  t.regex(none.failure?.message ?? '', /127\.0\.3\.3/, 'the first failure is the one told');
});

test('C19: an address that is silent does not hold up the next', async (t) => {
  const { port } = await listen(t, '127.0.4.2', await freePort());
  await startBlackHole(t, { host: '127.0.4.1', port });

  const { socket } = await dial(t, createDialer(), ['127.0.4.1', '127.0.4.2'], port);

  t.is(socket?.remoteAddress, '127.0.4.2');
});

test('once connected no other address is dialled any more', async (t) => {
  const { port } = await listen(t, '127.0.5.2', await freePort());
  const spare = await listen(t, '127.0.5.3', port);
  await startBlackHole(t, { host: '127.0.5.4', port });
  const dialer = createDialer();

  await dial(t, dialer, ['127.0.5.1', '127.0.5.2', '127.0.5.3'], port);
  // This one takes as long as the first one's timer would have, and a moment more.
  await dial(t, dialer, ['127.0.5.4', '127.0.5.2'], port);
  const probe = connect(port, '127.0.5.3');
  t.teardown(() => probe.destroy());
  await once(spare.server, 'connection');

  t.is(spare.accepted.length, 1, 'the probe alone: connections are accepted in order');
});

test('a dial that takes too long fails when it is swept, not before', async (t) => {
  const { port } = await startBlackHole(t);
  const dialer = createDialer();
  const startedMs = Date.now();
  const ended = dial(t, dialer, ['127.0.0.1'], port);
  let done = false;
  const after = ended.then(() => {
    done = true;
  });

  dialer.sweep(startedMs + 59_999);
  await new Promise(setImmediate);
  t.false(done);
  dialer.sweep(Date.now() + 60_000);
  await after;

  t.like((await ended).failure, {
    code: 'connection_timeout',
    message: `time-out (spec.timeouts.connect) while connecting to 127.0.0.1 port ${port}`,
  });
});

test('C20: a dial given up is never heard of again', async (t) => {
  const { port } = await startBlackHole(t);
  const dialer = createDialer();
  const under = dialer.dial({ addresses: [ip('127.0.0.1')], port, timeoutMs: 1, tls: null }, () =>
    t.fail('it was given up'),
  );

  under.abort();
  under.abort();
  dialer.sweep(Date.now() + 1000);
  await new Promise(setImmediate);

  t.pass();
});

test('what the system says of a connection has one code', (t) => {
  const of = (code: string) => codeOf(Object.assign(new Error(code), { code }));

  t.is(of('ECONNREFUSED'), 'connection_refused');
  t.is(of('ETIMEDOUT'), 'connection_timeout');
  t.is(of('ENETUNREACH'), 'destination_ip_unroutable');
  t.is(of('ECONNRESET'), 'connection_terminated');
  t.is(of('EMFILE'), 'connection_limit_reached');
  t.is(of('EWHATEVER'), 'connection_terminated');
});

test('a dialer knows when more is open than its share, until it has closed', async (t) => {
  const { port } = await listen(t, '127.0.0.1');
  const dialer = createDialer(1);
  const [first, second] = await Promise.all([1, 2].map(() => dial(t, dialer, ['127.0.0.1'], port)));

  t.true(dialer.crowded());

  for (const dialled of [first, second]) {
    const { socket = null } = dialled ?? {};
    if (socket === null) return t.fail();
    socket.destroy();
    await once(socket, 'close');
  }
  t.false(dialer.crowded());
});
