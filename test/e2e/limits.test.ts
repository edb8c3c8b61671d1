import test, { type ExecutionContext } from 'ava';
import { startBlackHole } from '../support/black-hole.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { echo, type Origin, startOrigin, startTcpOrigin } from '../support/origin.ts';
import type { Message, Peer } from '../support/peer.ts';
import { freePort } from '../support/ports.ts';
import { connectFrom, type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';

// Two serving threads whatever the suite runs with: limits hold for all of them together.
const scope = fileScope();

const hasty = {
  ...{ handshake: '1s', requestHeaders: '1s', connect: '1s', responseHeaders: '1s' },
  ...{ bodyIdle: '1s', idle: '1s', tunnelIdle: '1s', halfClose: '1s' },
};
const specs = {
  kept: { limits: { connections: 3 } },
  busy: { limits: { connections: 2 } },
  socks: (port: number) => ({
    listeners: [{ name: 'all', port, address: '127.0.0.1', protocol: 'SOCKS' }],
    limits: { connections: 1 },
  }),
  perclient: { limits: { connectionsPerClient: 5 } },
  tunnels: { limits: { tunnels: 4 } },
  tunnelsperclient: { limits: { tunnelsPerClient: 3 } },
  oneconnection: { limits: { connections: 1, connectionsPerClient: 1 }, timeouts: hasty },
  onetunnel: {
    limits: { tunnels: 1, tunnelsPerClient: 1 },
    timeouts: hasty,
    dns: { timeout: '1s' },
    connect: { allowedPorts: ['1-65534'] },
  },
  headers: { limits: { headerBytes: '4Ki', headerCount: 10, targetBytes: 256 } },
} as const;
type Name = keyof typeof specs;

let proxies: Proxies<Name>;
let plain: Origin;
let echoing: { readonly authority: string };

test.before('proxies with one limit each, and two origins', async () => {
  const dns = await startDnsServer(scope);
  dns.set('silent.test', { fails: 'silence' });
  [proxies, plain, echoing] = await Promise.all([
    startProxies(scope, specs, { workers: 2, args: ['--dns-server', dns.address] }),
    startOrigin(scope),
    startTcpOrigin(scope, echo),
  ]);
});

const client = (t: ExecutionContext, proxy: Name, from = '127.0.0.1'): Promise<Peer> =>
  connectFrom(t, from, proxies.portOf[proxy]);

const get = (path: string, ...fields: readonly string[]): string =>
  [`GET ${plain.url}${path} HTTP/1.1`, `Host: ${plain.authority}`, ...fields, '', ''].join('\r\n');
const connectHead = (authority: string): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

/** What a client is told that finds no place: it need not ask. */
async function assertTurnedAway(t: ExecutionContext, peer: Peer, field: string): Promise<void> {
  const answer = await peer.message();
  t.is(answer.status, 503);
  t.is(answer.body, `too many connections (${field})\n`);
  t.regex(answer.field('proxy-status') ?? '', /error=connection_limit_reached/);
  t.is(answer.field('retry-after'), '1');
  t.is((await peer.rest()).text, '');
}

/** A connection that was served once and is kept. */
async function keptConnection(t: ExecutionContext, proxy: Name): Promise<Peer> {
  const peer = await client(t, proxy);
  peer.send(get('/kept'));
  t.is((await peer.message()).status, 200);
  // Idle times are told in milliseconds: the next one has to be younger.
  for (const startMs = Date.now(); Date.now() < startMs + 5; ) await new Promise(setImmediate);
  return peer;
}

test('connections: the connection that has been idle longest makes room, whichever thread has it', async (t) => {
  const kept = [];
  for (let count = 0; count < 3; count++) kept.push(await keptConnection(t, 'kept'));

  for (let round = 0; round < 6; round++) {
    kept.push(await keptConnection(t, 'kept'));
    t.is((await kept.shift()?.rest())?.text, '');
    // The others are still there: used again, the oldest becomes the youngest.
    for (const peer of kept.splice(0)) {
      peer.send(get('/again'));
      t.is((await peer.message()).status, 200);
      for (const startMs = Date.now(); Date.now() < startMs + 5; ) await new Promise(setImmediate);
      kept.push(peer);
    }
  }
});

test('connections: where all are busy the next one is answered 503, until one ends', async (t) => {
  const busy = [await client(t, 'busy'), await client(t, 'busy')];
  for (const peer of busy) {
    peer.send(connectHead(echoing.authority));
    t.is((await peer.head()).status, 200);
  }

  await assertTurnedAway(t, await client(t, 'busy'), 'spec.limits.connections');

  busy[0]?.socket.destroy();
  await served(t, 'busy');
});

test('connections: a client of a SOCKS listener is hung up on', async (t) => {
  const first = await client(t, 'socks');
  first.send(Buffer.of(5, 1, 0));
  await first.bytes(2);

  const second = await client(t, 'socks');

  t.is((await second.rest()).text, '');
});

test('connectionsPerClient: of many at once exactly as many are served, by all threads together', async (t) => {
  for (const round of [1, 2]) {
    const clients = await Promise.all(
      Array.from({ length: 40 }, () => client(t, 'perclient', '127.0.0.21')),
    );
    for (const peer of clients) peer.send(get('/'));
    const statuses = await Promise.all(clients.map(async (peer) => (await peer.message()).status));

    t.is(statuses.filter((status) => status === 200).length, 5, `round ${round}`);
    t.is(statuses.filter((status) => status === 503).length, 35);

    for (const peer of clients) peer.socket.destroy();
    await eventually(async () => (await openConnections('perclient')) === 0);
  }
});

test('connectionsPerClient: one address does not take the places of another', async (t) => {
  const first = await Promise.all(
    Array.from({ length: 5 }, () => client(t, 'perclient', '127.0.0.22')),
  );
  for (const peer of first) peer.send(get('/'));
  for (const peer of first) t.is((await peer.message()).status, 200);

  const sixth = await client(t, 'perclient', '127.0.0.22');
  await assertTurnedAway(t, sixth, 'spec.limits.connectionsPerClient');

  const other = await client(t, 'perclient', '127.0.0.23');
  other.send(get('/'));
  t.is((await other.message()).status, 200);
});

test('tunnels: of many at once exactly as many open, and each that ends makes room', async (t) => {
  const answers = await openMany(t, 'tunnels', 20);

  t.is(answers.open.length, 4);
  t.is(answers.refused.length, 16);
  for (const { status, body } of answers.refused) {
    t.is(status, 503);
    t.is(body, 'too many tunnels (spec.limits.tunnels)\n');
  }

  for (const peer of answers.open) peer.socket.destroy();
  await eventually(async () => (await openTunnels('tunnels')) === 0);
  t.is((await openMany(t, 'tunnels', 20)).open.length, 4);
});

test('tunnelsPerClient: of many at once exactly as many open for each address', async (t) => {
  const [one, two] = await Promise.all([
    openMany(t, 'tunnelsperclient', 12, '127.0.0.31'),
    openMany(t, 'tunnelsperclient', 12, '127.0.0.32'),
  ]);

  t.is(one.open.length, 3);
  t.is(two.open.length, 3);
  t.is(one.refused[0]?.body, 'too many tunnels (spec.limits.tunnelsPerClient)\n');

  const socks = await client(t, 'tunnelsperclient', '127.0.0.31');
  socks.send(Buffer.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80));
  t.is((await socks.rest()).text.slice(2, 4), '\x05\x01', 'SOCKS tunnels are counted with them');

  for (const peer of one.open) peer.socket.destroy();
  await eventually(async () => (await openTunnels('tunnelsperclient')) === 3);
  t.is((await openMany(t, 'tunnelsperclient', 12, '127.0.0.31')).open.length, 3);
});

async function openMany(t: ExecutionContext, proxy: Name, count: number, from = '127.0.0.1') {
  const peers = await Promise.all(Array.from({ length: count }, () => client(t, proxy, from)));
  for (const peer of peers) peer.send(connectHead(echoing.authority));
  const open: Peer[] = [];
  const refused: Message[] = [];
  for (const peer of peers) {
    const head = await peer.head();
    if (head.status === 200) open.push(peer);
    else {
      const body = await peer.bytes(Number(head.field('content-length')));
      refused.push({ ...head, framing: 'length', body });
    }
  }
  return { open, refused };
}

type Path = (t: ExecutionContext, peer: Peer) => Promise<unknown>;

/** Ways in which a connection ends; each must give back its place. */
const connectionEnds: Readonly<Record<string, Path>> = {
  'the client hangs up before its first byte': async (_t, peer) => peer.socket.destroy(),
  'it resets before its first byte': async (_t, peer) => peer.socket.resetAndDestroy(),
  'it says nothing until spec.timeouts.handshake': (_t, peer) => peer.rest(),
  'it speaks TLS': (_t, peer) => sent(peer, '\x16\x03\x01'),
  'it says what is no HTTP': (_t, peer) => sent(peer, 'nonsense\r\n\r\n'),
  'its head stalls': (_t, peer) => sent(peer, 'GET http://a/ HTTP/1.1\r\nHos'),
  'its target is refused': (_t, peer) => sent(peer, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  'its address is refused': (_t, peer) =>
    sent(peer, 'GET http://10.0.0.1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
  'it asks to close': (_t, peer) => sent(peer, get('/', 'Connection: close')),
  'it leaves a kept connection idle': (_t, peer) => sent(peer, get('/')),
  'it hangs up on its answer': async (_t, peer) => {
    peer.send(get('/bytes/100000000'));
    await peer.bytes(100);
    peer.socket.destroy();
  },
  'its origin does not answer': async (t, peer) => {
    peer.send(get('/never'));
    t.is((await peer.message()).status, 504);
    await peer.rest();
  },
  'its origin resets': async (_t, peer) => {
    peer.send(get('/cut'));
    await peer.rest();
  },
  'its CONNECT is refused': (_t, peer) => sent(peer, connectHead('10.0.0.1:1')),
  'its tunnel is closed by the client': async (_t, peer) => {
    peer.send(connectHead(echoing.authority));
    await peer.head();
    peer.socket.destroy();
  },
  'its tunnel is idle': (_t, peer) => sent(peer, connectHead(echoing.authority)),
  'its SOCKS handshake is refused': (_t, peer) => sent(peer, '\x05\x01\x02'),
  'its SOCKS handshake stalls': (_t, peer) => sent(peer, '\x05\x01\x00'),
};

async function sent(peer: Peer, bytes: string): Promise<void> {
  peer.send(bytes);
  await peer.rest();
  peer.socket.destroy();
}

test('connections: each way to end gives the place back', async (t) => {
  for (const [what, end] of Object.entries(connectionEnds)) {
    const peer = await servedConnection(t, 'oneconnection', what);
    await end(t, peer);
    peer.socket.destroy();
  }
  await served(t, 'oneconnection');
  await eventually(async () => (await openConnections('oneconnection')) === 0);
});

/** Ways in which a tunnel ends or fails. */
const tunnelEnds: Readonly<Record<string, Path>> = {
  'it ends as it should': async (_t, peer) => {
    peer.send(connectHead(echoing.authority));
    await peer.head();
    peer.socket.end('bye');
    await peer.rest();
  },
  'its target is no target': (_t, peer) => sent(peer, connectHead('nonsense')),
  'its port is denied': (_t, peer) => sent(peer, connectHead('127.0.0.1:65535')),
  'its address is denied': (_t, peer) => sent(peer, connectHead('10.0.0.1:1')),
  'its name does not exist': (_t, peer) => sent(peer, connectHead('nowhere.test:1')),
  'its name server is silent': (_t, peer) => sent(peer, connectHead('silent.test:1')),
  'its target refuses': async (_t, peer) =>
    sent(peer, connectHead(`127.0.0.1:${await freePort()}`)),
  'its target does not answer': async (t, peer) =>
    sent(peer, connectHead((await startBlackHole(t)).authority)),
  'its client leaves while it is dialled': async (t, peer) => {
    peer.send(connectHead((await startBlackHole(t)).authority));
    peer.socket.destroy();
  },
  'its client resets': async (_t, peer) => {
    peer.send(connectHead(echoing.authority));
    await peer.head();
    peer.socket.resetAndDestroy();
  },
  'its target resets': async (t, peer) => {
    const { authority } = await startTcpOrigin(t, (socket) => socket.resetAndDestroy());
    await sent(peer, connectHead(authority));
  },
  'it is idle': (_t, peer) => sent(peer, connectHead(echoing.authority)),
  'one side finishes and the other does not': async (t, peer) => {
    const { authority } = await startTcpOrigin(t, (socket) => {
      setInterval(() => socket.write('.'), 100).unref();
      socket.resume();
    });
    peer.send(connectHead(authority));
    await peer.head();
    peer.socket.end();
    await peer.rest();
  },
  'its SOCKS target refuses': async (_t, peer) => {
    const port = await freePort();
    const bytes = Buffer.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255);
    await sent(peer, bytes.toString('latin1'));
  },
  'its upgrade is refused by the origin': (_t, peer) =>
    sent(peer, get('/', 'Connection: Upgrade', 'Upgrade: websocket')),
  'its upgrade is not answered': (_t, peer) =>
    sent(peer, get('/never', 'Connection: Upgrade', 'Upgrade: websocket')),
};

test('tunnels: each way to end gives the place back', async (t) => {
  for (const [what, end] of Object.entries(tunnelEnds)) {
    await end(t, await client(t, 'onetunnel'));

    await t.notThrowsAsync(opened(t), what);
  }
  await eventually(async () => (await openTunnels('onetunnel')) === 0);
});

/** Opens and closes the one tunnel there may be, as soon as the place is free. */
async function opened(t: ExecutionContext): Promise<void> {
  await eventually(async () => {
    const peer = await client(t, 'onetunnel');
    peer.send(connectHead(echoing.authority));
    const { status } = await peer.head();
    peer.socket.destroy();
    if (status !== 200) t.is(status, 503);
    return status === 200;
  });
}

/** A new connection, as soon as there is a place: one that is not told at once that there is none. */
async function servedConnection(t: ExecutionContext, proxy: Name, what: string): Promise<Peer> {
  await eventually(async () => (await openConnections(proxy)) === 0, what);
  return client(t, proxy);
}

async function served(t: ExecutionContext, proxy: Name): Promise<void> {
  await eventually(async () => {
    const peer = await client(t, proxy);
    peer.send(get('/', 'Connection: close'));
    const { status } = await peer.message();
    return status === 200;
  });
}

const openConnections = (proxy: Name) => gauge(`headgate_forward_proxy_connections{`, proxy);
const openTunnels = (proxy: Name) => gauge(`headgate_tunnels{`, proxy);

async function gauge(start: string, proxy: Name): Promise<number> {
  const lines = (await proxies.up.metrics()).split('\n');
  const line = lines.find((each) => each.startsWith(start) && each.includes(`test/${proxy}"`));
  return Number(line?.split(' ').at(-1));
}

/** Asks again until it is so: what a client sees of an end comes before the proxy has noted it. */
async function eventually(isSo: () => Promise<boolean>, what = 'it'): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('headerBytes: a head of that size passes, one byte more is answered 431 and closed', async (t) => {
  const line = (filler: string) => get('/', `X-Filler: ${filler}`);
  const room = 4096 - (line('').length - '\r\n'.length);
  const peer = await client(t, 'headers');

  peer.send(line('x'.repeat(room)));
  t.is((await peer.message()).status, 200);

  peer.send(line('x'.repeat(room + 1)));
  const answer = await peer.message();
  t.is(answer.status, 431);
  t.regex(answer.body, /spec\.limits\.headerBytes \(4096\)/);
  t.regex(answer.field('proxy-status') ?? '', /error=/);
  t.is((await peer.rest()).text, '');
});

test('headerBytes: what no resource allows is answered 431 too', async (t) => {
  const peer = await client(t, 'headers');

  peer.send(get('/', `X-Filler: ${'x'.repeat(100_000)}`));

  t.is((await peer.message()).status, 431);
});

test('headerBytes: of CONNECT it is the same', async (t) => {
  const peer = await client(t, 'headers');

  peer.send(
    `CONNECT ${echoing.authority} HTTP/1.1\r\nHost: a\r\nX-Filler: ${'x'.repeat(4096)}\r\n\r\n`,
  );

  t.is((await peer.message()).status, 431);
});

test('headerBytes: an origin that answers with more is answered 502 for', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => {
    socket.once('data', () =>
      socket.write(`HTTP/1.1 200 OK\r\nX-Filler: ${'x'.repeat(5000)}\r\n\r\n`),
    );
  });
  const peer = await client(t, 'headers');

  peer.send(`GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);

  const answer = await peer.message();
  t.is(answer.status, 502);
  t.regex(answer.field('proxy-status') ?? '', /error=http_response_header_section_size/);
});

test('headerCount: so many fields pass, one more is answered 431', async (t) => {
  const fields = (count: number) => Array.from({ length: count }, (_, at) => `X-${at}: y`);
  const peer = await client(t, 'headers');

  peer.send(get('/', ...fields(9))); // and Host
  t.is((await peer.message()).status, 200);

  peer.send(get('/', ...fields(10)));
  const answer = await peer.message();
  t.is(answer.status, 431);
  t.is(answer.body, '11 header fields are more than spec.limits.headerCount (10)\n');
});

test('targetBytes: a target of that size passes, one byte more is answered 414', async (t) => {
  const path = (bytes: number) => `/${'p'.repeat(bytes - plain.url.length - 1)}`;
  const peer = await client(t, 'headers');

  peer.send(get(path(256)));
  t.is((await peer.message()).status, 200);

  peer.send(get(path(257)));
  const answer = await peer.message();
  t.is(answer.status, 414);
  t.regex(answer.body, /spec\.limits\.targetBytes \(256\)/);
  t.is((await peer.rest()).text, '');
});

test('targetBytes: of CONNECT it is the same', async (t) => {
  const peer = await client(t, 'headers');

  peer.send(connectHead(`${'a'.repeat(260)}.test:443`));

  t.is((await peer.message()).status, 414);
});

test('what a limit refuses is counted', async (t) => {
  const peer = await client(t, 'headers');
  peer.send(connectHead(`${'a'.repeat(260)}.test:443`));
  await peer.rest();

  t.regex(
    await proxies.up.metrics(),
    /headgate_forward_proxy_denied_total\{resource="[^"]*test\/headers",reason="limit"\} [1-9]/,
  );
});
