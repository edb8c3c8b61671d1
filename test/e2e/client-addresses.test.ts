import test, { type ExecutionContext } from 'ava';
import { basicAuthentication, usersSecret } from '../support/forward-proxy.ts';
import { echo, type Origin, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { connectFrom, type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';

// Who may connect: spec.listeners[].allowedClientCIDRs, and what everyone else is told.
const scope = fileScope();
const inside = '127.0.0.50';
const outside = '127.0.0.51';

const only =
  (cidrs: readonly string[], more: Readonly<Record<string, unknown>> = {}) =>
  (port: number) => ({
    listeners: [
      { name: 'door', port, address: '127.0.0.1', protocol: 'Mixed', allowedClientCIDRs: cidrs },
    ],
    ...more,
  });
const specs = {
  guarded: only([`${inside}/32`]),
  locked: only([`${inside}/32`], { authentication: basicAuthentication }),
  /** Every address, and so IPv4 clients come as ::ffff:127.0.0.1. */
  dual: (port: number) => ({
    listeners: [
      {
        name: 'door',
        port,
        address: '::',
        protocol: 'Mixed',
        allowedClientCIDRs: [`${inside}/32`],
      },
    ],
  }),
  six: (port: number) => ({
    listeners: [
      { name: 'door', port, address: '::', protocol: 'Mixed', allowedClientCIDRs: ['::/0'] },
    ],
  }),
  closing: only(['127.0.0.0/8']),
  everyone: only(['0.0.0.0/0', '::/0']),
} as const;
type Name = keyof typeof specs;

let proxies: Proxies<Name>;
let plain: Origin;
let echoing: { readonly port: number; readonly authority: string };

test.before('proxies with doors, and two origins', async () => {
  [proxies, plain, echoing] = await Promise.all([
    startProxies(scope, specs, { documents: usersSecret({ alice: 'wonderland' }) }),
    startOrigin(scope),
    startTcpOrigin(scope, echo),
  ]);
});

const client = (t: ExecutionContext, from: string, proxy: Name): Promise<Peer> =>
  connectFrom(t, from, proxies.portOf[proxy]);
const get = (...fields: readonly string[]): string =>
  [`GET ${plain.url}/ HTTP/1.1`, `Host: ${plain.authority}`, ...fields, '', ''].join('\r\n');
const connectHead = (): string => `CONNECT ${echoing.authority} HTTP/1.1\r\nHost: a\r\n\r\n`;
const target = () => [127, 0, 0, 1, echoing.port >> 8, echoing.port & 255];

const requests: Readonly<Record<string, () => string>> = {
  'a plain request': () => get(),
  CONNECT: connectHead,
  'an upgrade': () => get('Connection: Upgrade', 'Upgrade: websocket'),
};

for (const [what, request] of Object.entries(requests)) {
  test(`${what} of a client outside is answered 403 with its address and the field`, async (t) => {
    const peer = await client(t, outside, 'guarded');

    peer.send(request());

    const answer = await peer.message();
    t.is(answer.status, 403);
    t.is(
      answer.body,
      `client address ${outside} is not in allowedClientCIDRs of listener "door" (spec.listeners)\n`,
    );
    t.regex(answer.field('proxy-status') ?? '', /error=http_request_denied/);
    t.is((await peer.rest()).text, '');
  });
}

test('a client inside is served, whatever it speaks', async (t) => {
  const http = await client(t, inside, 'guarded');
  http.send(get());
  t.is((await http.message()).status, 200);
  const tunnel = await client(t, inside, 'guarded');
  tunnel.send(connectHead());
  t.is((await tunnel.head()).status, 200);
  const socks = await client(t, inside, 'guarded');
  socks.send(Buffer.of(5, 1, 0, 5, 1, 0, 1, ...target()));
  t.is(await socks.bytes(12), '\x05\0\x05\0\0\x01\0\0\0\0\0\0');
});

test('SOCKS5 of a client outside is answered 02, SOCKS4 5B', async (t) => {
  const five = await client(t, outside, 'guarded');
  five.send(Buffer.of(5, 1, 0, 5, 1, 0, 1, ...target()));
  t.is((await five.rest()).text, '\x05\0\x05\x02\0\x01\0\0\0\0\0\0');

  const four = await client(t, outside, 'guarded');
  const [a, b, c, d, high, low] = target();
  four.send(Buffer.of(4, 1, high ?? 0, low ?? 0, a ?? 0, b ?? 0, c ?? 0, d ?? 0, 0));
  t.is((await four.rest()).text, '\0\x5b\0\0\0\0\0\0');
});

test('no password of a client outside is looked at', async (t) => {
  const field = `Proxy-Authorization: Basic ${Buffer.from('alice:wonderland').toString('base64')}`;
  const http = await client(t, outside, 'locked');
  http.send(get(field));
  t.is((await http.message()).status, 403);

  const socks = await client(t, outside, 'locked');
  socks.send(Buffer.of(5, 1, 2));
  t.is((await socks.rest()).text, '\x05\xff');

  const known = await client(t, inside, 'locked');
  known.send(get(field));
  t.is((await known.message()).status, 200);
});

test('what is refused is counted and logged with its reason', async (t) => {
  const peer = await client(t, '127.0.0.52', 'guarded');
  peer.send(get());
  await peer.rest();

  const entry = await proxies.up.accessLog((each) => each['client'] === '127.0.0.52');
  t.like(entry, { status: 403, verdict: 'denied', code: 'client_address_denied' });
  t.regex(
    await proxies.up.metrics(),
    /denied_total\{resource="[^"]*test\/guarded",reason="client_cidr"\} [1-9]/,
  );
});

test('an IPv4 client of a listener for both families is known by its IPv4 address', async (t) => {
  const [known, unknown] = [await client(t, inside, 'dual'), await client(t, outside, 'dual')];
  known.send(get());
  unknown.send(get());

  t.is((await known.message()).status, 200);
  const answer = await unknown.message();
  t.is(answer.status, 403);
  t.regex(answer.body, /^client address 127\.0\.0\.51 /);
});

test('all of IPv6 is not IPv4', async (t) => {
  const peer = await client(t, inside, 'six');

  peer.send(get());

  t.is((await peer.message()).status, 403);
});

test('everyone is written 0.0.0.0/0 and ::/0', async (t) => {
  const peer = await client(t, outside, 'everyone');

  peer.send(get());

  t.is((await peer.message()).status, 200);
});

test('clients that reset before their first byte disturb nobody', async (t) => {
  for (let round = 0; round < 20; round++) {
    const peers = await Promise.all(
      Array.from({ length: 25 }, () => connectPeer(t, proxies.portOf.everyone)),
    );
    for (const peer of peers) peer.socket.resetAndDestroy();
  }

  const peer = await client(t, outside, 'everyone');
  peer.send(get());
  t.is((await peer.message()).status, 200);
  t.regex(await proxies.up.metrics(), /^headgate_worker_restarts_total 0$/m);
  t.deepEqual(
    proxies.up.stderr.all.filter((line) => line.includes('"level":"error"')),
    [],
  );
});

test.serial(
  'an edit that shuts a client out counts for the next request of its kept connection',
  async (t) => {
    const kept = await client(t, outside, 'closing');
    kept.send(get());
    t.is((await kept.message()).status, 200);

    const narrowed = proxies.edited({ specs: { closing: only([`${inside}/32`]) } });
    await proxies.up.apply(narrowed, 'closing');

    kept.send(get());
    t.is((await kept.message()).status, 403);
    t.is((await kept.rest()).text, '');
  },
);
