import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startBlackHole } from '../support/black-hole.ts';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { basicAuthentication, usersSecret } from '../support/forward-proxy.ts';
import { echo, type Origin, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Head, type Message, type Peer } from '../support/peer.ts';
import { freePort } from '../support/ports.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';

// One process with a proxy per setting; every test is a raw client of it.
const scope = fileScope();

const onlyFirst = { egress: { addressPolicy: { allowCIDRs: ['127.0.0.1/32'] } } };
const specs = {
  open: {},
  standard: { connect: { allowedPorts: [443, '8000-8010'] } },
  off: { connect: { enabled: false } },
  /** Loopback is denied but for one address. */
  narrow: onlyFirst,
  closed: { authentication: basicAuthentication },
  hasty: { timeouts: { connect: '1s' }, dns: { timeout: '1s' } },
  single: { limits: { tunnels: 1 } },
  idle: { timeouts: { tunnelIdle: '1s' } },
  old: { timeouts: { tunnelMax: '1s' } },
  halfClose: { timeouts: { halfClose: '1s' } },
  upstreamResets: {},
  clientResets: {},
} as const;
const names = Object.fromEntries(
  Object.entries(specs).map(([name, spec]) => [name.toLowerCase(), spec]),
);

let proxies: Proxies<string>;
let dns: DnsServer;
let echoing: { readonly port: number; readonly authority: string };
let plain: Origin;

test.before('proxies, origins and a name server', async () => {
  dns = await startDnsServer(scope);
  [proxies, echoing, plain] = await Promise.all([
    startProxies(scope, names, {
      args: ['--dns-server', dns.address],
      documents: usersSecret({ alice: 'wonderland', carol: 'a:b:c', dora: '' }),
    }),
    startTcpOrigin(scope, echo),
    startOrigin(scope),
  ]);
});

const client = (t: ExecutionContext, proxy: keyof typeof specs): Promise<Peer> =>
  connectPeer(t, proxies.portOf[proxy.toLowerCase()] ?? 0);

const connectHead = (authority: string, ...fields: readonly string[]): string =>
  [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...fields, '', ''].join('\r\n');

const basic = (credentials: string) =>
  `Proxy-Authorization: Basic ${Buffer.from(credentials, 'latin1').toString('base64')}`;

/** Opens a tunnel, or fails the test with what was said instead. */
async function openTunnel(
  t: ExecutionContext,
  proxy: keyof typeof specs,
  authority: string,
): Promise<Peer> {
  const peer = await client(t, proxy);
  peer.send(connectHead(authority));
  const { status, startLine } = await peer.head();
  t.is(status, 200, startLine);
  return peer;
}

/** Every refusal says why in two ways, and is the last thing on the connection. */
async function assertRefused(t: ExecutionContext, peer: Peer, status: number): Promise<Message> {
  const answer = await peer.message();
  t.is(answer.status, status, answer.body);
  assertProxyStatus(t, answer);
  t.is(answer.field('connection'), 'close');
  t.is((await peer.rest()).text, '');
  return answer;
}

function assertProxyStatus(t: ExecutionContext, answer: Head): void {
  t.regex(answer.field('proxy-status') ?? '', /^[\w.-]+; error=\w+/);
}

const notAuthorities = {
  'without a port': 'e.com',
  'with an empty port': 'e.com:',
  'to port 0': 'e.com:0',
  'to a port above 65535': 'e.com:65536',
  'to *': '*',
  'to a path': '/path',
  'to a URL': 'http://e.com:80/',
  'with user information': 'u:p@e.com:443',
  'to nothing': '',
  'to a port alone': ':443',
  'with a path behind it': 'e.com:443/path',
  'with a fragment': 'e.com:443#f',
  'to an unclosed bracket': '[::1:443',
  'to a zone': '[fe80::1%25eth0]:443',
};

for (const [what, authority] of Object.entries(notAuthorities)) {
  test(`C1: CONNECT ${what} is answered 400 and closed`, async (t) => {
    const peer = await client(t, 'open');

    peer.send(
      `CONNECT ${authority} HTTP/1.1\r\nHost: e.com\r\n\r\nGET ${plain.url}/c1 HTTP/1.1\r\nHost: a\r\n\r\n`,
    );

    await assertRefused(t, peer, 400);
    t.false(plain.requests.some(({ url }) => url === '/c1'));
  });
}

test('C2: an IPv6 address without brackets is refused', async (t) => {
  const peer = await client(t, 'open');

  peer.send(connectHead('::1:443'));

  await assertRefused(t, peer, 400);
});

test('C2: an IPv6 address in brackets is reached', async (t) => {
  const server = createServer({ allowHalfOpen: true }, echo);
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;

  const peer = await openTunnel(t, 'open', `[::1]:${port}`);
  peer.send('over IPv6');
  peer.socket.end();

  t.deepEqual(await peer.rest(), { text: 'over IPv6', end: 'fin' });
});

test('C3: the target decides, whatever Host says', async (t) => {
  const peer = await client(t, 'open');

  peer.send(`CONNECT ${echoing.authority} HTTP/1.1\r\nHost: elsewhere.test:1\r\n\r\n`);

  t.is((await peer.head()).status, 200);
  peer.send('here');
  t.is(await peer.bytes(4), 'here');
});

test('C4: a port that is not allowed is answered 403 and named with its field', async (t) => {
  const peer = await client(t, 'standard');

  peer.send(connectHead('127.0.0.1:8011'));

  const answer = await assertRefused(t, peer, 403);
  t.is(answer.body, 'port 8011 is not in spec.connect.allowedPorts\n');
});

test('C4: where CONNECT is off it is answered 403 with the field', async (t) => {
  const peer = await client(t, 'off');

  peer.send(connectHead(echoing.authority));

  const { body } = await assertRefused(t, peer, 403);
  t.regex(body, /spec\.connect\.enabled/);
});

for (const [what, field] of [
  ['Content-Length', 'Content-Length: 5'],
  ['Transfer-Encoding', 'Transfer-Encoding: chunked'],
] as const) {
  test(`C5: CONNECT with ${what} is answered 400 and closed`, async (t) => {
    const peer = await client(t, 'open');

    peer.send(`${connectHead(echoing.authority, field)}hello`);

    await assertRefused(t, peer, 400);
  });
}

test('C5: Content-Length 0 says that there is no content', async (t) => {
  const peer = await client(t, 'open');

  peer.send(connectHead(echoing.authority, 'Content-Length: 0'));

  t.is((await peer.head()).status, 200);
});

test('C6: data sent with the request arrives first and in order', async (t) => {
  const peer = await client(t, 'open');

  peer.send(`${connectHead(echoing.authority)}early `);
  t.is((await peer.head()).status, 200);
  peer.send('late');
  peer.socket.end();

  t.deepEqual(await peer.rest(), { text: 'early late', end: 'fin' });
});

test('C6: data sent while the target is being looked up waits for the 200', async (t) => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  dns.set('slow.c6.test', () => {
    asked.resolve();
    return { A: ['127.0.0.1'], after: answered.promise };
  });
  const peer = await client(t, 'open');

  peer.send(`${connectHead(`slow.c6.test:${echoing.port}`)}one `);
  await asked.promise;
  peer.send('two ');
  peer.socket.end('three');
  answered.resolve();

  t.is((await peer.head()).status, 200);
  t.deepEqual(await peer.rest(), { text: 'one two three', end: 'fin' });
});

test('C6: more of it than is kept waits in the socket, and all of it is counted', async (t) => {
  const answered = Promise.withResolvers<void>();
  dns.set('big.c6.test', () => ({ A: ['127.0.0.1'], after: answered.promise }));
  const peer = await client(t, 'open');
  const authority = `big.c6.test:${echoing.port}`;
  const data = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at >> 8) & 127));

  peer.send(connectHead(authority));
  const half = new Promise((resolve) => peer.socket.write(data.subarray(0, 200_000), resolve));
  await half; // handed to the kernel: more than is kept is on its way
  peer.socket.end(data.subarray(200_000));
  answered.resolve();

  t.is((await peer.head()).status, 200);
  const { text } = await peer.rest();
  t.true(data.equals(Buffer.from(text, 'latin1')));
  const entry = await proxies.up.accessLog(({ target }) => target === authority);
  t.like(entry, { received: data.length, sent: data.length });
});

test('C7: what follows a refused CONNECT is not a request', async (t) => {
  const peer = await client(t, 'standard');

  peer.send(
    `${connectHead('127.0.0.1:9999')}GET ${plain.url}/c7 HTTP/1.1\r\nHost: ${plain.authority}\r\n\r\n`,
  );

  await assertRefused(t, peer, 403);
  t.false(plain.requests.some(({ url }) => url === '/c7'));
});

test('C7: nor what follows a CONNECT that was answered 407', async (t) => {
  const peer = await client(t, 'closed');

  peer.send(
    `${connectHead(echoing.authority)}GET ${plain.url}/c7b HTTP/1.1\r\nHost: a\r\n${basic('alice:wonderland')}\r\n\r\n`,
  );

  await assertRefused(t, peer, 407);
  t.false(plain.requests.some(({ url }) => url === '/c7b'));
});

test('C7: a CONNECT behind a request that is not answered yet waits for its turn', async (t) => {
  const peer = await client(t, 'open');

  peer.send(
    `GET ${plain.url}/bytes/5 HTTP/1.1\r\nHost: ${plain.authority}\r\n\r\n${connectHead(echoing.authority)}hello`,
  );

  const first = await peer.message();
  t.is(first.body, 'headg');
  t.is((await peer.head()).status, 200);
  t.is(await peer.bytes(5), 'hello');
});

test('C8: the 200 has no Content-Length, no Transfer-Encoding and no body', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => socket.end('first byte'));
  const peer = await client(t, 'open');

  peer.send(connectHead(authority));

  const head = await peer.head();
  t.is(head.status, 200);
  t.is(head.field('content-length'), null);
  t.is(head.field('transfer-encoding'), null);
  t.is(await peer.bytes(10), 'first byte');
});

test('C12: a server that speaks first is heard at once', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => socket.write('220 mail\r\n'));

  const peer = await openTunnel(t, 'open', authority);

  t.is(await peer.bytes(10), '220 mail\r\n');
});

test('C13: an answer sent after the client has finished sending still arrives', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => {
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('end', () => socket.end(`you said ${received}`));
  });
  const peer = await openTunnel(t, 'open', authority);

  peer.socket.end('hello');

  t.deepEqual(await peer.rest(), { text: 'you said hello', end: 'fin' });
});

test('C13: a server that finishes first still gets the rest of the upload', async (t) => {
  const received = Promise.withResolvers<string>();
  const { authority } = await startTcpOrigin(t, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('end', () => received.resolve(text));
    socket.end('bye');
  });
  const peer = await openTunnel(t, 'open', authority);
  t.deepEqual(await peer.rest(), { text: 'bye', end: 'fin' });

  peer.socket.end('the rest');

  t.is(await received.promise, 'the rest');
});

test('C13: a tunnel with one side finished lives for spec.timeouts.halfClose', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => socket.resume());
  const peer = await openTunnel(t, 'halfClose', authority);
  const startedMs = Date.now();

  peer.socket.end('hello');
  await peer.rest();

  t.true(Date.now() - startedMs >= 950);
  const entry = await proxies.up.accessLog(({ target }) => target === authority);
  t.is(entry['code'], 'half_close');
});

test('C14: what was sent before a reset of the server arrives, and the tunnel is counted once', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => {
    socket.once('data', () => socket.resetAndDestroy());
    socket.write('before');
  });
  const peer = await openTunnel(t, 'upstreamResets', authority);
  t.is(await peer.bytes(6), 'before');

  peer.send('go');
  await peer.rest();

  const entry = await proxies.up.accessLog(({ target }) => target === authority);
  t.like(entry, { code: 'upstream_reset', sent: 6 });
  await assertEndedOnce(t, 'upstreamresets', 'upstream_reset');
});

test('C14: a reset of the client ends the other side, and the tunnel is counted once', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const { authority } = await startTcpOrigin(t, (socket) => accepted.resolve(socket.resume()));
  const peer = await openTunnel(t, 'clientResets', authority);
  const origin = await accepted.promise;
  const closed = once(origin, 'close');

  peer.socket.resetAndDestroy();
  await once(origin, 'end');
  origin.end();
  await closed;

  const entry = await proxies.up.accessLog(({ target }) => target === authority);
  t.is(entry['code'], 'client_reset');
  await assertEndedOnce(t, 'clientresets', 'client_reset');
});

async function assertEndedOnce(t: ExecutionContext, proxy: string, reason: string): Promise<void> {
  const lines = (await proxies.up.metrics()).split('\n').filter((line) => line.includes(proxy));
  const ended = lines.filter((line) => line.startsWith('headgate_forward_proxy_tunnels_ended'));
  t.is(ended.length, 1, ended.join('\n'));
  t.regex(ended.join(), new RegExp(`reason="${reason}".* 1$`));
  const open = lines.filter((line) => line.startsWith('headgate_tunnels{'));
  t.regex(open.join(), / 0$/);
}

for (const [proxy, reason, field] of [
  ['idle', 'idle', 'tunnelIdle'],
  ['old', 'max_age', 'tunnelMax'],
] as const) {
  test(`C16: a tunnel ends at spec.timeouts.${field}`, async (t) => {
    const { authority } = await startTcpOrigin(t, echo);
    const peer = await openTunnel(t, proxy, authority);
    const startedMs = Date.now();

    await peer.rest();

    t.true(Date.now() - startedMs >= 950);
    const entry = await proxies.up.accessLog(({ target }) => target === authority);
    t.is(entry['code'], reason);
  });
}

test('C17: a refused connection is answered 502 before any 200', async (t) => {
  const peer = await client(t, 'open');

  peer.send(connectHead(`127.0.0.1:${await freePort()}`));

  const answer = await assertRefused(t, peer, 502);
  t.regex(answer.field('proxy-status') ?? '', /error=connection_refused/);
});

test('C17: a connection that times out is answered 504', async (t) => {
  const { authority } = await startBlackHole(t);
  const peer = await client(t, 'hasty');

  peer.send(connectHead(authority));

  const answer = await assertRefused(t, peer, 504);
  t.regex(answer.field('proxy-status') ?? '', /error=connection_timeout/);
});

test('C17: a name that does not exist is answered 502', async (t) => {
  const peer = await client(t, 'open');

  peer.send(connectHead('nowhere.c17.test:443'));

  const answer = await assertRefused(t, peer, 502);
  t.regex(answer.field('proxy-status') ?? '', /error=dns_error/);
});

test('C17: a name server that says nothing is answered 504', async (t) => {
  dns.set('silent.c17.test', { fails: 'silence' });
  const peer = await client(t, 'hasty');

  peer.send(connectHead('silent.c17.test:443'));

  const answer = await assertRefused(t, peer, 504);
  t.regex(answer.field('proxy-status') ?? '', /error=dns_timeout/);
});

test('C17: a denied address is answered 403 with the class it is in', async (t) => {
  const peer = await client(t, 'open');

  peer.send(connectHead('10.1.2.3:443'));

  const answer = await assertRefused(t, peer, 403);
  t.regex(answer.field('proxy-status') ?? '', /error=destination_ip_prohibited/);
  t.regex(answer.body, /10\.1\.2\.3 is Private.*spec\.egress\.addressPolicy/);
});

/** Two origins on one port of two addresses, which say which they are. */
async function startTwins(t: ExecutionContext): Promise<{ port: number; denied: () => number }> {
  let denied = 0;
  const { port } = await startTcpOrigin(t, (socket) => socket.end('allowed'));
  const twin = createServer((socket) => {
    denied++;
    socket.end('denied');
  });
  await new Promise<void>((resolve) => twin.listen(port, '127.0.0.2', resolve));
  t.teardown(() => twin.close());
  return { port, denied: () => denied };
}

test('C18: of several addresses only the allowed one is dialled', async (t) => {
  const { port, denied } = await startTwins(t);
  dns.set('mixed.c18.test', { A: ['127.0.0.2', '127.0.0.1'] });

  const peer = await openTunnel(t, 'narrow', `mixed.c18.test:${port}`);

  t.is((await peer.rest()).text, 'allowed');
  t.is(denied(), 0);
});

test('C18: a name that changes its address between look-up and dial is dialled as it was checked', async (t) => {
  const { port, denied } = await startTwins(t);
  let queries = 0; // one for each family is a look-up
  dns.set('rebinding.c18.test', () => ({ A: [queries++ < 2 ? '127.0.0.1' : '127.0.0.2'] }));

  const peer = await openTunnel(t, 'narrow', `rebinding.c18.test:${port}`);

  t.is((await peer.rest()).text, 'allowed');
  t.is(denied(), 0);
});

test('C18: a name with no address but denied ones is answered 403', async (t) => {
  const { port, denied } = await startTwins(t);
  dns.set('denied.c18.test', { A: ['127.0.0.2', '10.0.0.1'] });
  const peer = await client(t, 'narrow');

  peer.send(connectHead(`denied.c18.test:${port}`));

  await assertRefused(t, peer, 403);
  t.is(denied(), 0);
});

test('C19: an address that does not answer does not hold up the next one', async (t) => {
  const { port } = await startTcpOrigin(t, (socket) => socket.end('answered'));
  await startBlackHole(t, { host: '127.0.0.3', port });
  dns.set('eyeballs.c19.test', { A: ['127.0.0.3', '127.0.0.1'] });

  const peer = await openTunnel(t, 'hasty', `eyeballs.c19.test:${port}`);

  t.is((await peer.rest()).text, 'answered');
});

test('C19: an address family that refuses leaves the other', async (t) => {
  const { port } = await startTcpOrigin(t, (socket) => socket.end('answered'));
  dns.set('both.c19.test', { AAAA: ['::1'], A: ['127.0.0.1'] });

  const peer = await openTunnel(t, 'open', `both.c19.test:${port}`);

  t.is((await peer.rest()).text, 'answered');
});

for (const [how, leave] of [
  ['hangs up', (socket: Socket) => socket.destroy()],
  ['resets', (socket: Socket) => socket.resetAndDestroy()],
] as const) {
  test.serial(
    `C20: a client that ${how} while its target is dialled gives its place back`,
    async (t) => {
      const { port } = await startBlackHole(t);
      const asked = Promise.withResolvers<void>();
      const name = `${how.replaceAll(' ', '-')}.c20.test`;
      dns.set(name, () => {
        asked.resolve();
        return { A: ['127.0.0.1'] };
      });
      const authority = `${name}:${port}`;
      const leaving = await client(t, 'single');
      leaving.send(connectHead(authority));
      await asked.promise;

      leave(leaving.socket);

      const entry = await proxies.up.accessLog(({ target }) => target === authority);
      t.is(entry['code'], 'client_gone');
      const next = await openTunnel(t, 'single', echoing.authority);
      next.socket.destroy();
      await proxies.up.accessLog(
        ({ target, resource }) => target === echoing.authority && resource === 'test/single',
      );
    },
  );
}

test('C21: in a tunnel CONNECT is bytes like any other', async (t) => {
  const peer = await openTunnel(t, 'open', echoing.authority);
  const bytes = connectHead('10.0.0.1:25');

  peer.send(bytes);
  peer.socket.end();

  t.deepEqual(await peer.rest(), { text: bytes, end: 'fin' });
});

test('C22: after a 407 the same connection may try again', async (t) => {
  const peer = await client(t, 'closed');
  for (let round = 0; round < 12; round++) {
    peer.send(connectHead(echoing.authority));
    const challenge = await peer.message();
    t.is(challenge.status, 407);
    t.is(challenge.field('proxy-authenticate'), 'Basic realm="proxy", charset="UTF-8"');
    t.is(challenge.field('connection'), 'keep-alive');
    assertProxyStatus(t, challenge);
  }

  peer.send(connectHead(echoing.authority, basic('alice:wonderland')));

  t.is((await peer.head()).status, 200);
  peer.send('inside');
  t.is(await peer.bytes(6), 'inside');
});

test('C22: a plain request may try again too, and its credentials stay here', async (t) => {
  const peer = await client(t, 'closed');
  const request = (...fields: readonly string[]) =>
    [`GET ${plain.url}/c22 HTTP/1.1`, `Host: ${plain.authority}`, ...fields, '', ''].join('\r\n');
  peer.send(request());
  t.is((await peer.message()).status, 407);

  peer.send(request(basic('alice:wonderland')));

  t.is((await peer.message()).status, 200);
  const seen = plain.requests.filter(({ url }) => url === '/c22');
  t.is(seen.length, 1);
  t.is(seen[0]?.headers['proxy-authorization'], undefined);
});

const notCredentials = {
  'no credentials at all': 'Proxy-Authorization: ',
  'a scheme alone': 'Proxy-Authorization: Basic',
  'another scheme': 'Proxy-Authorization: Bearer YWxpY2U6d29uZGVybGFuZA==',
  'a digest': 'Proxy-Authorization: Digest username="alice", realm="proxy"',
  'what is not base64': 'Proxy-Authorization: Basic !!!!',
  'two values': 'Proxy-Authorization: Basic YWxpY2U6d29uZGVybGFuZA== YWxpY2U=',
  'no colon': basic('alice'),
  'an empty user': basic(':wonderland'),
  'an empty password': basic('alice:'),
  'a wrong password': basic('alice:looking-glass'),
  'an unknown user': basic('mallory:wonderland'),
  'what is not UTF-8': basic('alic\xe9:wonderland'),
  'a NUL': basic('alice:wonderland\0'),
  'the wrong header': 'Authorization: Basic YWxpY2U6d29uZGVybGFuZA==',
};

for (const [what, field] of Object.entries(notCredentials)) {
  test(`C23: ${what} is answered 407 like everything that is wrong`, async (t) => {
    const peer = await client(t, 'closed');

    peer.send(connectHead(echoing.authority, field));

    const { status, body, fields } = await peer.message();
    t.is(status, 407);
    t.is(body, 'a user name and its password are needed (Proxy-Authorization: Basic)\n');
    t.deepEqual(
      fields.map(([name]) => name),
      ['Content-Type', 'Proxy-Status', 'Proxy-Authenticate', 'Content-Length', 'Connection'],
    );
  });
}

test('C23: two Proxy-Authorization fields are refused', async (t) => {
  const peer = await client(t, 'closed');

  peer.send(connectHead(echoing.authority, basic('alice:wonderland'), basic('mallory:x')));

  await assertRefused(t, peer, 400);
});

for (const [what, field] of [
  ['a password with colons', basic('carol:a:b:c')],
  ['the scheme in any case', basic('alice:wonderland').replace('Basic', 'bASIC')],
] as const) {
  test(`C23: ${what} is taken`, async (t) => {
    const peer = await client(t, 'closed');

    peer.send(connectHead(echoing.authority, field));

    t.is((await peer.head()).status, 200);
  });
}
