import { once } from 'node:events';
import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startBlackHole } from '../support/black-hole.ts';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { basicAuthentication, usersSecret } from '../support/forward-proxy.ts';
import { echo, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { freePort } from '../support/ports.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';

// One process with a proxy per setting; every test is a raw SOCKS client of it.
const scope = fileScope();

const specs = {
  open: {},
  closed: { authentication: basicAuthentication },
  narrow: { egress: { addressPolicy: { allowCIDRs: ['127.0.0.1/32'] } } },
  hasty: { timeouts: { connect: '1s', handshake: '1s' }, dns: { timeout: '1s' } },
  /** As the default has it: tunnels go to 443. */
  standard: { connect: {} },
  only5: (port: number) => ({
    listeners: [
      { name: 'all', port, address: '127.0.0.1', protocol: 'SOCKS', socksVersions: ['SOCKS5'] },
    ],
  }),
  only4a: (port: number) => ({
    listeners: [
      { name: 'all', port, address: '127.0.0.1', protocol: 'Mixed', socksVersions: ['SOCKS4a'] },
    ],
  }),
  http: (port: number) => ({
    listeners: [{ name: 'all', port, address: '127.0.0.1', protocol: 'HTTP' }],
  }),
} as const;
type Name = keyof typeof specs;

let proxies: Proxies<Name>;
let dns: DnsServer;
let echoing: { readonly port: number; readonly authority: string };

test.before('proxies, an origin and a name server', async () => {
  dns = await startDnsServer(scope);
  dns.set('origin.test', { A: ['127.0.0.1'] });
  [proxies, echoing] = await Promise.all([
    startProxies(scope, specs, {
      args: ['--dns-server', dns.address],
      documents: usersSecret({ alice: 'wonderland' }),
    }),
    startTcpOrigin(scope, echo),
  ]);
});

const client = (t: ExecutionContext, proxy: Name): Promise<Peer> =>
  connectPeer(t, proxies.portOf[proxy]);

const hello = [5, 1, 0];
const portBytes = (port: number): number[] => [port >> 8, port & 255];
const text = (value: string): number[] => [...Buffer.from(value, 'latin1')];
const name = (value: string): number[] => [3, value.length, ...text(value)];
const loopback = [127, 0, 0, 1];

const request5 = (address: readonly number[], port: number, command = 1): number[] => [
  ...[5, command, 0],
  ...address,
  ...portBytes(port),
];
const request4 = (address: readonly number[], port: number, tail: readonly number[] = [0]) => [
  ...[4, 1],
  ...portBytes(port),
  ...address,
  ...tail,
];

const hex = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('hex');
const reply5 = (code: number): string => hex(`\x05${String.fromCharCode(code)}\0\x01\0\0\0\0\0\0`);
const reply4 = (code: number): string => hex(`\0${String.fromCharCode(code)}\0\0\0\0\0\0`);

/** Everything that is said to these bytes, until the proxy hangs up. */
async function said(t: ExecutionContext, proxy: Name, bytes: readonly number[]): Promise<string> {
  const peer = await client(t, proxy);
  peer.send(Buffer.from(bytes));
  return hex((await peer.rest()).text);
}

/** A tunnel opened by these bytes carries bytes; what was answered before. */
async function tunnels(
  t: ExecutionContext,
  proxy: Name,
  bytes: readonly number[],
  answer: string,
): Promise<void> {
  const peer = await client(t, proxy);
  peer.send(Buffer.from(bytes));
  t.is(hex(await peer.bytes(answer.length / 2)), answer);
  peer.send('through');
  peer.socket.end();
  t.deepEqual(await peer.rest(), { text: 'through', end: 'fin' });
}

const accepted5 = `0500${reply5(0)}`;
const accepted4 = reply4(90);

for (const version of [0, 1, 3, 6, 0x7f, 0xff]) {
  test(`K1: a first byte of ${version} is hung up on`, async (t) => {
    t.is(await said(t, 'open', [version, 1, 0]), '');
  });
}

test('K1: a request of another version than the greeting is refused and closed', async (t) => {
  t.is(await said(t, 'open', [...hello, 4, 1, 0, 1, ...loopback, 0, 80]), `0500${reply5(1)}`);
});

test('K2: a greeting without a method is hung up on', async (t) => {
  t.is(await said(t, 'open', [5, 0]), '');
});

for (const [what, proxy, methods] of [
  ['only passwords where none are asked for', 'open', [2]],
  ['no password where one is asked for', 'closed', [0]],
  ['only GSSAPI', 'open', [1]],
  ['254 private methods', 'open', Array.from({ length: 254 }, (_, at) => 1 + at)],
  ['255, which means none', 'open', [255]],
] as const) {
  test(`K3: ${what}: no common method is answered 05 FF`, async (t) => {
    t.is(await said(t, proxy, [5, methods.length, ...methods]), '05ff');
  });
}

test('K3: of several methods the one that is wanted is chosen', async (t) => {
  await tunnels(t, 'open', [5, 3, 2, 1, 0, ...request5([1, ...loopback], echoing.port)], accepted5);
});

test('K3: a version that the listener does not take is refused', async (t) => {
  t.is(await said(t, 'only4a', hello), '05ff');
  t.is(await said(t, 'only4a', request4(loopback, echoing.port)), reply4(91));
  t.is(await said(t, 'only5', request4(loopback, echoing.port)), reply4(91));
  await tunnels(
    t,
    'only4a',
    request4([0, 0, 0, 1], echoing.port, [0, ...text('origin.test'), 0]),
    accepted4,
  );
  await tunnels(t, 'only5', [...hello, ...request5([1, ...loopback], echoing.port)], accepted5);
});

test('K4: SOCKS4 and SOCKS4a where a password is asked for are answered 5B', async (t) => {
  t.is(await said(t, 'closed', request4(loopback, echoing.port)), '005b000000000000');
  const named = request4([0, 0, 0, 1], echoing.port, [...text('alice'), 0, ...text('a.test'), 0]);
  t.is(await said(t, 'closed', named), '005b000000000000');
});

const password = (user: string, secret: string, version = 1): number[] => [
  ...[version, user.length, ...text(user)],
  ...[secret.length, ...text(secret)],
];

for (const [what, message] of [
  ['a wrong password', password('alice', 'looking-glass')],
  ['an unknown user', password('mallory', 'wonderland')],
  ['version 05 instead of 01', password('alice', 'wonderland', 5)],
  ['an empty user', password('', 'wonderland')],
  ['an empty password', password('alice', '')],
  ['what is not UTF-8', password('alic\xe9', 'wonderland')],
] as const) {
  test(`K5: ${what} is answered 01 01 and closed`, async (t) => {
    const sent = [5, 1, 2, ...message, ...request5([1, ...loopback], echoing.port)];

    t.is(await said(t, 'closed', sent), '05020101');
  });
}

test('K5: the right password opens', async (t) => {
  await tunnels(
    t,
    'closed',
    [5, 1, 2, ...password('alice', 'wonderland'), ...request5([1, ...loopback], echoing.port)],
    `05020100${reply5(0)}`,
  );
});

for (const [what, command] of [
  ['BIND', 2],
  ['UDP ASSOCIATE', 3],
  ['command 0', 0],
  ['command 255', 255],
] as const) {
  test(`K6: ${what} is answered 07 in ten bytes`, async (t) => {
    const bytes = [...hello, ...request5([1, ...loopback], echoing.port, command)];

    t.is(await said(t, 'open', bytes), `0500${reply5(7)}`);
  });
}

test('K6: BIND of SOCKS4 is answered 5B in eight bytes', async (t) => {
  t.is(await said(t, 'open', [4, 2, 0, 80, ...loopback, 0]), reply4(91));
});

test('K7: an address type nobody knows is answered 08', async (t) => {
  t.is(await said(t, 'open', [...hello, 5, 1, 0, 9, 1, 2, 3, 4, 0, 80]), `0500${reply5(8)}`);
});

for (const [what, host] of [
  ['is empty', ''],
  ['has 255 bytes', 'a'.repeat(255)],
  ['has a NUL', 'origin.test\0.evil.test'],
  ['has a space', 'origin .test'],
  ['has a line end', 'origin.test\r\n'],
  ['is not UTF-8', 'origin\xe9.test'],
  ['has an empty label', 'origin..test'],
  ['has a port', 'origin.test:80'],
  ['has a zone', 'fe80::1%lo'],
] as const) {
  test(`K8: a name that ${what} is answered 01`, async (t) => {
    t.is(
      await said(t, 'open', [...hello, ...request5(name(host), echoing.port)]),
      `0500${reply5(1)}`,
    );
  });
}

for (const [what, host] of [
  ['with a dot at its end', 'origin.test.'],
  ['in capitals', 'ORIGIN.Test'],
  ['that is an address', '127.0.0.1'],
  ['that is an address in hexadecimal', '0x7f.1'],
  ['that is an address in one number', '2130706433'],
] as const) {
  test(`K8: a name ${what} is the one it means`, async (t) => {
    const bytes = [...hello, ...request5(name(host), echoing.port)];

    await tunnels(t, 'open', bytes, accepted5);
  });
}

test('K8: a denied address stays denied however it is written', async (t) => {
  for (const host of ['10.0.0.1', '0x0a.1', '167772161', '012.0.0.1', '::ffff:10.0.0.1']) {
    t.is(await said(t, 'open', [...hello, ...request5(name(host), 80)]), `0500${reply5(2)}`, host);
  }
});

const ipv6 = (...words: readonly number[]): number[] => [
  4,
  ...words.flatMap((word) => [word >> 8, word & 255]),
];

test('K9: an IPv6 address is reached byte for byte', async (t) => {
  const server = createServer({ allowHalfOpen: true }, echo);
  server.listen(0, '::1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  await tunnels(t, 'open', [...hello, ...request5(ipv6(0, 0, 0, 0, 0, 0, 0, 1), port)], accepted5);
});

for (const [address, words, written] of [
  ['2001:db8::1', [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
  ['::', [0, 0, 0, 0, 0, 0, 0, 0], '::'],
  ['::ffff:10.0.0.1', [0, 0, 0, 0, 0, 0xffff, 0x0a00, 1], '10.0.0.1'],
  ['64:ff9b::7f00:1', [0x64, 0xff9b, 0, 0, 0, 0, 0x7f00, 1], '64:ff9b::7f00:1'],
] as const) {
  test(`K9: ${address} is read as it is, and denied`, async (t) => {
    const port = await freePort(); // nobody listens: it only has to be found in the log

    t.is(await said(t, 'open', [...hello, ...request5(ipv6(...words), port)]), `0500${reply5(2)}`);
    const host = written.includes(':') ? `[${written}]` : written;
    await proxies.up.accessLog(({ target }) => target === `${host}:${port}`);
  });
}

for (const [version, bytes, answer] of [
  ['SOCKS5', () => [...hello, ...request5(name('origin.test'), echoing.port)], accepted5],
  [
    'SOCKS4a',
    () => request4([0, 0, 0, 1], echoing.port, [...text('me'), 0, ...text('origin.test'), 0]),
    accepted4,
  ],
  ['SOCKS4', () => request4(loopback, echoing.port, [...text('me'), 0]), accepted4],
] as const) {
  test(`K10: a ${version} handshake byte by byte opens like one in one packet`, async (t) => {
    const peer = await client(t, 'open');
    peer.socket.setNoDelay(true);

    for (const byte of bytes()) {
      peer.send(Buffer.of(byte));
      await new Promise(setImmediate);
    }

    t.is(hex(await peer.bytes(answer.length / 2)), answer);
    peer.send('through');
    t.is(await peer.bytes(7), 'through');
  });

  test(`K11: data glued to a ${version} request goes through first`, async (t) => {
    const peer = await client(t, 'open');

    peer.send(Buffer.from([...bytes(), ...text('glued ')]));
    peer.socket.end('and more');

    t.is(hex(await peer.bytes(answer.length / 2)), answer);
    t.deepEqual(await peer.rest(), { text: 'glued and more', end: 'fin' });
  });
}

test('K10: a handshake with a password in one packet opens', async (t) => {
  const peer = await client(t, 'closed');
  const handshake = [5, 1, 2, ...password('alice', 'wonderland')];

  peer.send(
    Buffer.from([...handshake, ...request5([1, ...loopback], echoing.port), ...text('glued')]),
  );

  t.is(hex(await peer.bytes(14)), `05020100${reply5(0)}`);
  t.is(await peer.bytes(5), 'glued');
});

const stalls = (): Readonly<Record<string, readonly number[]>> => ({
  SOCKS5: [...hello, ...request5(name('origin.test'), echoing.port)],
  SOCKS4a: request4([0, 0, 0, 1], echoing.port, [...text('me'), 0, ...text('a.test'), 0]),
});

for (const version of ['SOCKS5', 'SOCKS4a']) {
  test(`K12: a ${version} handshake that stalls at any byte is hung up on`, async (t) => {
    const bytes = stalls()[version] ?? [];
    const cuts = bytes.map((_, length) => length); // every one but the whole
    const startedMs = Date.now();

    const ends = await Promise.all(
      cuts.map(async (length) => {
        const peer = await client(t, 'hasty');
        peer.send(Buffer.from(bytes.slice(0, length)));
        const { text: answer } = await peer.rest();
        return { answer: hex(answer), tookMs: Date.now() - startedMs };
      }),
    );

    for (const { answer, tookMs } of ends) {
      t.regex(answer, /^(0500)?$/);
      t.true(tookMs >= 950, 'not before spec.timeouts.handshake');
    }
  });
}

test('K13: a SOCKS4 user id without an end is not waited for', async (t) => {
  const peer = await client(t, 'open');

  peer.send(Buffer.from(request4(loopback, 80, [])));
  peer.socket.write(Buffer.alloc(1 << 20, 'a'));

  const { text: answer } = await peer.rest();
  t.true(['', reply4(91)].includes(hex(answer)), hex(answer));
});

test('K13: a SOCKS4 user id of 255 bytes is taken', async (t) => {
  await tunnels(
    t,
    'open',
    request4(loopback, echoing.port, [...text('u'.repeat(255)), 0]),
    accepted4,
  );
});

test('K14: 0.0.0.0 is an address and denied, 0.0.0.1 announces a name', async (t) => {
  const named = [0, ...text('origin.test'), 0];

  t.is(await said(t, 'open', request4([0, 0, 0, 0], echoing.port, named)), reply4(91));
  await tunnels(t, 'open', request4([0, 0, 0, 1], echoing.port, named), accepted4);
  await tunnels(t, 'open', request4([0, 0, 0, 255], echoing.port, named), accepted4);
});

test('K14: an empty name is refused', async (t) => {
  t.is(await said(t, 'open', request4([0, 0, 0, 1], echoing.port, [0, 0])), reply4(91));
});

type Outcome = {
  readonly proxy: Name;
  readonly target: (t: ExecutionContext) => Promise<readonly [host: string, port: number]>;
  readonly socks5: number;
};

const outcomes: Readonly<Record<string, Outcome>> = {
  'a refused connection': {
    proxy: 'open',
    target: async () => ['127.0.0.1', await freePort()],
    socks5: 5,
  },
  'a denied address': { proxy: 'open', target: async () => ['10.0.0.1', 443], socks5: 2 },
  'a denied port': { proxy: 'standard', target: async () => ['127.0.0.1', 444], socks5: 2 },
  'a name that does not exist': {
    proxy: 'open',
    target: async () => ['nowhere.test', 443],
    socks5: 4,
  },
  'a name server that is silent': {
    proxy: 'hasty',
    target: async () => {
      dns.set('silent.test', { fails: 'silence' });
      return ['silent.test', 443];
    },
    socks5: 4,
  },
  'a connection that times out': {
    proxy: 'hasty',
    target: async (t) => ['127.0.0.1', (await startBlackHole(t)).port],
    socks5: 4,
  },
};

for (const [what, { proxy, target, socks5 }] of Object.entries(outcomes)) {
  test(`K15: ${what} is answered ${socks5} by SOCKS5 and 5B by SOCKS4a, then closed`, async (t) => {
    const [host, port] = await target(t);

    const [answer5, answer4] = await Promise.all([
      said(t, proxy, [...hello, ...request5(name(host), port)]),
      said(t, proxy, request4([0, 0, 0, 1], port, [0, ...text(host), 0])),
    ]);

    t.is(answer5, `0500${reply5(socks5)}`);
    t.is(answer4, reply4(91));
  });
}

test('K15: a client that does not hang up after a refusal is cut within ten seconds', async (t) => {
  const peer = await client(t, 'open');
  peer.send(Buffer.from([...hello, ...request5([1, 10, 0, 0, 1], 443)]));
  await peer.rest();
  const startedMs = Date.now();

  // Our half stays open; whoever writes to a socket that is gone is told so.
  const writing = setInterval(() => peer.socket.write('x'), 200);
  t.teardown(() => clearInterval(writing));
  await new Promise((resolve) => peer.socket.once('close', resolve));

  t.true(Date.now() - startedMs < 10_000);
});

test('K16: each side of a SOCKS tunnel may finish first', async (t) => {
  const { port } = await startTcpOrigin(t, (socket) => {
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('end', () => socket.end(`you said ${received}`));
  });
  const peer = await client(t, 'open');
  peer.send(Buffer.from([...hello, ...request5([1, ...loopback], port)]));
  t.is(hex(await peer.bytes(12)), accepted5);

  peer.socket.end('goodbye');

  t.deepEqual(await peer.rest(), { text: 'you said goodbye', end: 'fin' });
});

test('K17: one port tells SOCKS4, SOCKS5 and HTTP by the first byte', async (t) => {
  await tunnels(t, 'open', request4(loopback, echoing.port), accepted4);
  await tunnels(t, 'open', [...hello, ...request5([1, ...loopback], echoing.port)], accepted5);
  const peer = await client(t, 'open');
  peer.send(`CONNECT ${echoing.authority} HTTP/1.1\r\nHost: a\r\n\r\n`);
  t.is((await peer.head()).status, 200);
});

test('K17: TLS is hung up on, as there is no HTTPS listener', async (t) => {
  t.is(await said(t, 'open', [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), '');
});

test('K17: a listener takes its own protocol only', async (t) => {
  t.is(await said(t, 'http', hello), '');
  t.is(await said(t, 'http', request4(loopback, echoing.port)), '');
  t.is(await said(t, 'only5', text('GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n')), '');
});

test('K17: a client that says nothing is hung up on at spec.timeouts.handshake', async (t) => {
  const startedMs = Date.now();

  t.is(await said(t, 'hasty', []), '');

  t.true(Date.now() - startedMs >= 950);
});

test('K18: port 0 is refused', async (t) => {
  t.is(await said(t, 'open', [...hello, ...request5([1, ...loopback], 0)]), `0500${reply5(1)}`);
  t.is(await said(t, 'open', [...hello, ...request5(name('origin.test'), 0)]), `0500${reply5(1)}`);
  t.is(await said(t, 'open', request4(loopback, 0)), reply4(91));
});
