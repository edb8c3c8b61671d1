import { readdir } from 'node:fs/promises';
import test from 'ava';
import { startBlackHole } from '../support/black-hole.ts';
import { proxyAuthorization } from '../support/connect.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { echo, startTcpOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

const scope = fileScope();
const specs = {
  open: {},
  hasty: { timeouts: { bodyIdle: '1s' } },
  patient: { timeouts: { responseHeaders: '2s', bodyIdle: '30s' } },
} as const;

let proxies: Proxies<keyof typeof specs>;

test.before('proxies', async () => {
  proxies = await startProxies(scope, specs);
});

const getHead = (authority: string, ...fields: readonly string[]): string =>
  [`GET http://${authority}/ HTTP/1.1`, `Host: ${authority}`, ...fields, '', ''].join('\r\n');

// What one client, one origin or one resource does to itself must not reach anybody else.

test('a resource that is removed while a tunnel is open holds up nobody else’s change', async (t) => {
  const origin = await startTcpOrigin(t, echo);
  const up = await startHeadgate(t, {
    ports: 2,
    resources: ([leaving = 0, staying = 0]) =>
      forwardProxy({ name: 'leaving', port: leaving }) +
      forwardProxy({ name: 'staying', port: staying }),
  });
  const [leaving = 0, staying = 0] = up.ports;
  const tunnel = await connectPeer(t, leaving);
  tunnel.send(`CONNECT ${origin.authority} HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  await tunnel.head();
  await up.write(forwardProxy({ name: 'staying', port: staying }));
  await up.stdout.next((line) => line === 'ForwardProxy/test/leaving removed');

  await up.apply(
    forwardProxy({ name: 'staying', port: staying, spec: { via: { enabled: false } } }),
  );

  tunnel.send('still here');
  t.is(await tunnel.bytes(10), 'still here');
});

test('who waits for a port that its holder could not leave is refused too, and both go on', async (t) => {
  const foreign = await startTcpOrigin(t, echo);
  const listeners = (...ports: readonly number[]) => ({
    listeners: ports.map((port) => ({ name: `on-${port}`, port, address: '127.0.0.1' })),
  });
  const up = await startHeadgate(t, {
    ports: 2,
    resources: ([one = 0, two = 0]) =>
      forwardProxy({ name: 'a', port: one, spec: listeners(one) }) +
      forwardProxy({ name: 'b', port: two, spec: listeners(two) }),
  });
  const [one = 0, two = 0] = up.ports;

  await up.write(
    forwardProxy({ name: 'a', port: two, spec: listeners(two, foreign.port) }) +
      forwardProxy({ name: 'b', port: one, spec: listeners(one) }),
  );

  const refusals = await Promise.all([
    up.stdout.next((line) => /\/a .*PortUnavailable.*another process has it/.test(line)),
    up.stdout.next((line) => /\/b .*PortUnavailable.*another resource keeps it/.test(line)),
  ]);
  t.is(refusals.length, 2);
  for (const [name, port] of [['a', one] as const, ['b', two] as const]) {
    const client = await connectPeer(t, port);
    client.send(getHead('0.0.0.0'));
    t.like(await up.accessLog(({ listener }) => listener === `on-${port}`), {
      resource: `test/${name}`,
    });
  }
});

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

test('an upgrade that is answered slowly instead gets the whole answer and nothing else', async (t) => {
  const origin = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    for (const part of 'slow') {
      await afterSeconds(0.9);
      peer.send(part);
    }
  });
  const client = await connectPeer(t, proxies.portOf.patient);

  client.send(getHead(origin.authority, ...upgrade));

  t.like(await client.message(), { status: 200, body: 'slow' });
  t.is((await client.rest()).text, '');
});

test('an upgrade whose answer stops is cut off, never ended as if it were whole', async (t) => {
  const origin = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nX-Bytes: \xe9\r\n\r\nhalf');
  });
  const client = await connectPeer(t, proxies.portOf.hasty);

  client.send(getHead(origin.authority, ...upgrade));

  t.is((await client.head()).field('x-bytes'), '\xe9');
  t.deepEqual(await client.rest(), { text: 'half', end: 'reset' });
  await origin.connections[0]?.rest();
  t.like(
    await proxies.up.accessLog(
      ({ type, resource }) => type === 'upgrade' && resource === 'test/hasty',
    ),
    {
      code: 'connection_read_timeout',
      verdict: 'failed',
    },
  );
});

/** The time an origin takes is what these tests are about. */
const afterSeconds = (seconds: number) =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));

test('a client that leaves while its origin is dialled leaves no descriptor behind', async (t) => {
  const { up, portOf } = await startProxies(t, { lone: { timeouts: { connect: '5m' } } });
  const hole = await startBlackHole(t);
  const idle = await descriptors(up.pid);
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectPeer(t, portOf.lone)));

  for (const client of clients) client.send(getHead(hole.authority));
  while ((await descriptors(up.pid)) < idle + 2 * clients.length) await turn();
  for (const client of clients) client.socket.resetAndDestroy();

  while ((await descriptors(up.pid)) > idle) await turn();
  t.pass();
});

test('a client that pipelines refused requests and reads no answer is cut off', async (t) => {
  const client = await connectPeer(t, proxies.portOf.hasty);
  client.socket.pause();
  const closed = new Promise((resolve) => client.socket.once('close', resolve));

  const refused = getHead('0.0.0.0').repeat(500);
  const write = () => {
    while (!client.socket.destroyed && client.socket.write(refused));
  };
  client.socket.on('drain', write);
  write();

  await closed;
  t.pass();
});

test('an origin that says Early Hints without end fills no memory for a client that does not read', async (t) => {
  const { up, portOf } = await startProxies(t, {
    lone: { timeouts: { responseHeaders: '2s', bodyIdle: '2s' } },
  });
  const hints = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(2000));
  const origin = await startScriptedOrigin(t, async ({ socket, head }) => {
    await head();
    const write = () => {
      while (!socket.destroyed && socket.write(hints));
    };
    socket.on('drain', write);
    write();
  });
  const client = await connectPeer(t, portOf.lone);
  client.socket.pause();

  client.send(getHead(origin.authority));

  t.like(await up.accessLog(({ status }) => status !== 200), { code: 'http_response_timeout' });
});

test('a password in a target that is refused is in no log', async (t) => {
  const client = await connectPeer(t, proxies.portOf.open);

  client.send(getHead('somebody:s3cret@origin.example'));

  t.is((await client.message()).status, 400);
  t.like(await proxies.up.accessLog(({ status }) => status === 400), { path: null, target: null });
  t.false([...proxies.up.stdout.all, ...proxies.up.stderr.all].join('').includes('s3cret'));
});

test('a user name nobody vouched for becomes no label', async (t) => {
  const { up, portOf } = await startProxies(
    t,
    {
      lone: {
        authentication: basicAuthentication,
        metrics: { clientLabel: { mode: 'Identity', max: 1 } },
      },
    },
    { documents: usersSecret({ alice: 'wonderland' }) },
  );
  const client = await connectPeer(t, portOf.lone);
  const as = (user: string) =>
    `Proxy-Authorization: ${proxyAuthorization(user, 'wonderland')['proxy-authorization']}`;

  client.send(getHead('0.0.0.0', as('mallory')));
  t.is((await client.message()).status, 407);
  client.send(getHead('0.0.0.0', as('alice')));
  t.is((await client.message()).status, 403);

  const metrics = await up.metrics();
  t.false(metrics.includes('mallory'));
  t.true(metrics.includes('client="alice"'));
});

test('nobody is proxied to the admin endpoint, also if it was given as a name', async (t) => {
  const { up, portOf } = await startProxies(t, { lone: {} }, { args: ['--admin', 'localhost:0'] });
  const line = await up.stdout.next((each) => each.startsWith('admin http://'));
  const client = await connectPeer(t, portOf.lone);

  client.send(getHead(line.slice('admin http://'.length)));

  const answer = await client.message();
  t.regex(answer.field('proxy-status') ?? '', /error=proxy_loop_detected/);
});

const descriptors = async (pid: number) => (await readdir(`/proc/${pid}/fd`)).length;
const turn = () => new Promise(setImmediate);
