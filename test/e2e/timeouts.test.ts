import test, { type ExecutionContext } from 'ava';
import { startBlackHole } from '../support/black-hole.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { echo, type Origin, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Message, type Peer } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';

// One proxy per field, with that one short and the others as they are; all tests run at once.
const scope = fileScope();

const fields = [
  ...['handshake', 'requestHeaders', 'connect', 'responseHeaders', 'bodyIdle', 'idle'],
  ...['tunnelIdle', 'tunnelMax', 'halfClose'],
] as const;
const limitMs = 1000;
/** The sweep comes once a second, and clocks are rounded. */
const earliestMs = limitMs - 50;

let proxies: Proxies<string>;
let plain: Origin;

test.before('a proxy per field, an origin and a name server that is silent', async () => {
  const dns = await startDnsServer(scope);
  dns.set('silent.test', { fails: 'silence' });
  const short = fields.map((field) => [field.toLowerCase(), { timeouts: { [field]: '1s' } }]);
  const specs = { lookup: { dns: { timeout: '1s' } }, patient: {}, ...Object.fromEntries(short) };
  [proxies, plain] = await Promise.all([
    startProxies<string>(scope, specs, { args: ['--dns-server', dns.address] }),
    startOrigin(scope),
  ]);
});

const client = (t: ExecutionContext, field: string): Promise<Peer> =>
  connectPeer(t, proxies.portOf[field.toLowerCase()] ?? 0);

const get = (url: string, ...more: readonly string[]): string =>
  [`GET ${url} HTTP/1.1`, `Host: ${plain.authority}`, ...more, '', ''].join('\r\n');
const connectHead = (authority: string): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
const socks5 = (port: number): Buffer =>
  Buffer.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255);

/** What `wait` brought, which came no sooner than the time-out allows. */
async function notBefore<Result>(
  t: ExecutionContext,
  wait: () => Promise<Result>,
): Promise<Result> {
  const startedMs = Date.now();
  const result = await wait();
  const tookMs = Date.now() - startedMs;
  t.true(tookMs >= earliestMs, `after ${tookMs} ms`);
  return result;
}

function assertTimedOut(t: ExecutionContext, answer: Message, status: number, error: string): void {
  t.is(answer.status, status, answer.body);
  t.regex(answer.field('proxy-status') ?? '', new RegExp(`error=${error}`));
}

const every = (ms: number, times: number, act: () => void): Promise<void> =>
  new Promise((resolve) => {
    let left = times;
    const timer = setInterval(() => {
      act();
      if (--left > 0) return;
      clearInterval(timer);
      resolve();
    }, ms);
  });

test('handshake: a client that says nothing is hung up on', async (t) => {
  const peer = await client(t, 'handshake');

  t.is((await notBefore(t, () => peer.rest())).text, '');
});

test('handshake: a SOCKS client that stalls is hung up on, however slowly it goes on', async (t) => {
  const peer = await client(t, 'handshake');
  const request = socks5(80);
  let at = 0;
  const trickle = setInterval(() => {
    if (at < request.length - 2) peer.send(request.subarray(at, ++at));
  }, 200);
  t.teardown(() => clearInterval(trickle));

  const { text } = await notBefore(t, () => peer.rest());

  t.true(['', '\x05\0'].includes(text));
});

test('handshake: a client that has begun a request in time is not hung up on', async (t) => {
  const peer = await client(t, 'handshake');
  peer.send(get(`${plain.url}/`).slice(0, 20));

  await every(500, 5, () => undefined);
  peer.send(get(`${plain.url}/`).slice(20));

  t.is((await peer.message()).status, 200);
});

test('requestHeaders: a head that stalls is answered 408 and closed', async (t) => {
  const peer = await client(t, 'requestHeaders');
  peer.send('GET http://a/ HTTP/1.1\r\nHost: ');

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 408, 'http_request_error');
  t.regex(answer.body, /spec\.timeouts\.requestHeaders/);
  t.is((await peer.rest()).text, '');
});

test('requestHeaders: a head that trickles is answered 408 too', async (t) => {
  const peer = await client(t, 'requestHeaders');
  peer.send('GET http://a/ HTTP/1.1\r\nX: ');
  const trickle = setInterval(() => peer.send('x'), 100);
  t.teardown(() => clearInterval(trickle));

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 408, 'http_request_error');
});

test('requestHeaders: the same holds for the next request of a kept connection', async (t) => {
  const peer = await client(t, 'requestHeaders');
  peer.send(get(`${plain.url}/`));
  t.is((await peer.message()).status, 200);
  peer.send('GET http://a/ HTTP');

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 408, 'http_request_error');
});

test('connect: a plain request to an address that does not answer is answered 504', async (t) => {
  const { authority } = await startBlackHole(t);
  const peer = await client(t, 'connect');
  peer.send(get(`http://${authority}/`));

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 504, 'connection_timeout');
  t.regex(answer.body, /spec\.timeouts\.connect/);
});

test('connect: so is CONNECT', async (t) => {
  const { authority } = await startBlackHole(t);
  const peer = await client(t, 'connect');
  peer.send(connectHead(authority));

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 504, 'connection_timeout');
});

test('connect: SOCKS5 is answered 04', async (t) => {
  const { port } = await startBlackHole(t);
  const peer = await client(t, 'connect');
  peer.send(socks5(port));

  const { text } = await notBefore(t, () => peer.rest());

  t.is(text.slice(2, 4), '\x05\x04');
});

test('responseHeaders: an origin that does not answer is answered 504 for', async (t) => {
  const peer = await client(t, 'responseHeaders');
  peer.send(get(`${plain.url}/never`));

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 504, 'http_response_timeout');
  t.regex(answer.body, /spec\.timeouts\.responseHeaders/);
});

test('responseHeaders: nor one that does not answer an upgrade', async (t) => {
  const peer = await client(t, 'responseHeaders');
  peer.send(get(`${plain.url}/never`, 'Connection: Upgrade', 'Upgrade: websocket'));

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 504, 'http_response_timeout');
});

test('responseHeaders: the time the request takes is not the answer’s', async (t) => {
  const peer = await client(t, 'responseHeaders');
  peer.send(
    `POST ${plain.url}/echo HTTP/1.1\r\nHost: ${plain.authority}\r\nContent-Length: 8\r\n\r\n`,
  );

  await every(300, 8, () => peer.send('x'));

  t.is((await peer.message()).status, 200);
});

test('bodyIdle: a request body that stops is answered 408, and the origin sees it break off', async (t) => {
  const cut = Promise.withResolvers<void>();
  const { authority } = await startTcpOrigin(t, (socket) => {
    socket.resume();
    socket.on('close', () => cut.resolve());
    socket.on('end', () => socket.end());
  });
  const peer = await client(t, 'bodyIdle');
  peer.send(`POST http://${authority}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome`);

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 408, 'http_request_error');
  t.regex(answer.body, /spec\.timeouts\.bodyIdle/);
  t.is((await peer.rest()).text, '');
  await cut.promise;
});

test('bodyIdle: an answer that stops is broken off, and never looks whole', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n'),
    );
  });
  const peer = await client(t, 'bodyIdle');
  peer.send(get(`http://${authority}/`));
  t.is((await peer.head()).status, 200);

  const { text, end } = await notBefore(t, () => peer.rest());

  t.is(text, '4\r\nsome\r\n');
  t.is(end, 'reset');
});

test('bodyIdle: bodies that are slow but go on are left alone', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => {
    socket.once('data', async () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n');
      await every(300, 8, () => socket.write('x'));
    });
  });
  const peer = await client(t, 'bodyIdle');

  peer.send(get(`http://${authority}/`));

  t.is((await peer.message()).body, 'xxxxxxxx');
});

test('idle: a kept connection without a request is closed', async (t) => {
  const peer = await client(t, 'idle');
  peer.send(get(`${plain.url}/`));
  t.is((await peer.message()).status, 200);

  t.is((await notBefore(t, () => peer.rest())).text, '');
});

test('idle: an answer that takes longer is waited for', async (t) => {
  const { authority } = await startTcpOrigin(t, (socket) => {
    socket.once('data', async () => {
      await every(2500, 1, () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    });
  });
  const peer = await client(t, 'idle');

  peer.send(get(`http://${authority}/`));

  t.is((await peer.message()).status, 204);
});

async function openTunnel(t: ExecutionContext, field: string, authority: string): Promise<Peer> {
  const peer = await client(t, field);
  peer.send(connectHead(authority));
  t.is((await peer.head()).status, 200);
  return peer;
}

async function endOf(authority: string): Promise<unknown> {
  const entry = await proxies.up.accessLog(({ target }) => target === authority);
  return entry['code'];
}

test('tunnelIdle: a tunnel in which nothing moves is closed', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const peer = await openTunnel(t, 'tunnelIdle', authority);

  await notBefore(t, () => peer.rest());

  t.is(await endOf(authority), 'idle');
});

test('tunnelIdle: a tunnel in which something moves lives on', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const peer = await openTunnel(t, 'tunnelIdle', authority);

  await every(300, 10, () => peer.send('x'));
  peer.socket.end();

  t.deepEqual(await peer.rest(), { text: 'xxxxxxxxxx', end: 'fin' });
  t.is(await endOf(authority), null);
});

test('tunnelMax: a tunnel is closed when it is that old, busy or not', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const peer = await openTunnel(t, 'tunnelMax', authority);
  const busy = setInterval(() => peer.send('x'), 100);
  t.teardown(() => clearInterval(busy));
  peer.socket.on('error', () => undefined);

  await notBefore(t, () => peer.rest());

  t.is(await endOf(authority), 'max_age');
});

for (const first of ['client', 'server'] as const) {
  test(`halfClose: where only the ${first} has finished the tunnel ends, though the other goes on`, async (t) => {
    const { authority } = await startTcpOrigin(t, (socket) => {
      socket.resume();
      if (first === 'server') return void socket.end();
      const busy = setInterval(() => socket.write('x'), 100);
      socket.on('close', () => clearInterval(busy));
    });
    const peer = await openTunnel(t, 'halfClose', authority);
    const closed = new Promise((resolve) => peer.socket.once('close', resolve));
    const busy = setInterval(() => peer.socket.writable && peer.send('x'), 100);
    t.teardown(() => clearInterval(busy));

    if (first === 'client') peer.socket.end();
    await notBefore(t, () => closed);

    t.is(await endOf(authority), 'half_close');
  });
}

test('halfClose: a tunnel that both sides have finished ends at once, as it should', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const peer = await openTunnel(t, 'halfClose', authority);

  peer.socket.end('bye');

  t.is((await peer.rest()).text, 'bye');
  t.is(await endOf(authority), null);
});

test('dns.timeout: a plain request for a name nobody answers for is answered 504', async (t) => {
  const peer = await client(t, 'lookup');
  peer.send(get('http://silent.test/'));

  const answer = await notBefore(t, () => peer.message());

  assertTimedOut(t, answer, 504, 'dns_timeout');
});

test('dns.timeout: so is CONNECT, and SOCKS5 is answered 04', async (t) => {
  const [http, socks] = [await client(t, 'lookup'), await client(t, 'lookup')];
  http.send(connectHead('silent.test:443'));
  socks.send(
    Buffer.concat([
      Buffer.of(5, 1, 0, 5, 1, 0, 3, 11),
      Buffer.from('silent.test\x01\xbb', 'latin1'),
    ]),
  );

  const [answer, { text }] = await notBefore(t, () => Promise.all([http.message(), socks.rest()]));

  assertTimedOut(t, answer, 504, 'dns_timeout');
  t.is(text.slice(2, 4), '\x05\x04');
});

test('a proxy with time-outs as they come waits for all of this', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const silent = await client(t, 'patient');
  const kept = await client(t, 'patient');
  const tunnel = await openTunnel(t, 'patient', authority);
  kept.send(get(`${plain.url}/`));
  t.is((await kept.message()).status, 200);

  await every(3000, 1, () => undefined);

  silent.send(get(`${plain.url}/`));
  kept.send(get(`${plain.url}/`));
  tunnel.send('still here');
  t.is((await silent.message()).status, 200);
  t.is((await kept.message()).status, 200);
  t.is(await tunnel.bytes(10), 'still here');
});
