import { once } from 'node:events';
import { TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import type { ProxyError } from '../../contracts/errors.ts';
import { silent } from '../../test/support/mirror-targets.ts';
import { type ServerTls, startTcpOrigin } from '../../test/support/origin.ts';
import { makeAuthority } from '../../test/support/tls.ts';
import { parseIp } from '../protocols/ip-address.ts';
import { createDialer, type Dialer } from './dial.ts';
import { createUpstreamTls, type TlsTerms } from './upstream-tls.ts';

const terms = (parts: Partial<TlsTerms> = {}): TlsTerms => ({
  hostname: 'localhost',
  minVersion: 'TLSv1.2',
  caCertificates: null,
  alpn: 'http/1.1',
  ...parts,
});

type Outcome = { readonly failure: ProxyError | null; readonly socket: unknown };

function dial(
  t: ExecutionContext,
  dialer: Dialer,
  port: number,
  wanted: TlsTerms,
): Promise<Outcome> {
  const ip = parseIp('127.0.0.1');
  if (ip === null) throw new Error('no address');
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const tls = createUpstreamTls(wanted);
  dialer.dial({ addresses: [ip], port, timeoutMs: 60_000, tls }, (failure, socket) => {
    if (socket !== null) t.teardown(() => socket.destroy());
    resolve({ failure, socket });
  });
  return promise;
}

const nobodyReads: Parameters<typeof startTcpOrigin>[1] = (socket) => void socket.resume();

async function world(t: ExecutionContext, more: ServerTls = {}) {
  const authority = await makeAuthority(t);
  const peer = await startTcpOrigin(t, nobodyReads, { ...(await authority.issue()), ...more });
  return { ...peer, ca: authority.ca };
}

test('a dial over TLS ends in a socket that nobody else listens to, in HTTP/1.1', async (t) => {
  const { port, ca } = await world(t, { ALPNProtocols: ['h2', 'http/1.1'] });

  const { socket } = await dial(t, createDialer(), port, terms({ caCertificates: [ca] }));

  if (!(socket instanceof TLSSocket)) return t.fail('no TLS');
  t.is(socket.alpnProtocol, 'http/1.1');
  t.is(socket.listenerCount('error'), 0, 'whoever takes it hears its errors');
  t.true(socket.allowHalfOpen, 'or the rest of an upload is lost');
});

test('authorities that are named are the only ones, be they none', async (t) => {
  const { port, ca } = await world(t);
  const other = await makeAuthority(t);
  const codeFor = async (caCertificates: TlsTerms['caCertificates']) =>
    (await dial(t, createDialer(), port, terms({ caCertificates }))).failure?.code;

  t.is(await codeFor([other.ca, ca]), undefined);
  const broken = ca.replace(/\n.{10}/, '\nAAAAAAAAAA');
  for (const none of [[other.ca], [], [''], ['not PEM'], [broken], null]) {
    t.is(await codeFor(none), 'tls_certificate_error', JSON.stringify(none));
  }
});

test('a name is asked for (SNI), an address is not', async (t) => {
  const authority = await makeAuthority(t);
  const asked: unknown[] = [];
  const { port } = await startTcpOrigin(
    t,
    (socket) => {
      socket.once('secure', () => asked.push(socket instanceof TLSSocket && socket.servername));
      socket.once('data', () => socket.write('ok'));
    },
    await authority.issue(),
  );

  for (const hostname of ['localhost', '127.0.0.1']) {
    const wanted = terms({ hostname, caCertificates: [authority.ca] });
    const { socket } = await dial(t, createDialer(), port, wanted);
    if (!(socket instanceof TLSSocket)) return t.fail('no TLS');
    socket.write('hello');
    await once(socket, 'data');
  }

  t.deepEqual(asked, ['localhost', false]);
});

test('a certificate has the name or the address that is asked for, and no other', async (t) => {
  const { port, ca } = await world(t);
  const codeFor = async (hostname: string) => {
    const wanted = terms({ hostname, caCertificates: [ca] });
    return (await dial(t, createDialer(), port, wanted)).failure?.code;
  };

  t.is(await codeFor('localhost'), undefined);
  t.is(await codeFor('127.0.0.1'), undefined);
  for (const other of ['other.test', '127.0.0.2', '::1', '']) {
    t.is(await codeFor(other), 'tls_certificate_error', other);
  }
});

test('a handshake that does not end is over with the time to connect, and its socket closed', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { port } = await startTcpOrigin(t, (socket) => {
    silent(socket);
    socket.on('end', () => closed.resolve());
    socket.once('data', () => dialer.sweep(Number.POSITIVE_INFINITY)); // its ClientHello
  });
  const dialer = createDialer();

  const { failure } = await dial(t, dialer, port, terms());

  t.is(failure?.code, 'connection_timeout');
  await closed.promise;
});

test('who gives up during a handshake hears nothing more, and its socket is closed', async (t) => {
  const greeted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const { port } = await startTcpOrigin(t, (socket) => {
    silent(socket);
    socket.on('end', () => closed.resolve());
    socket.once('data', () => greeted.resolve());
  });
  const ip = parseIp('127.0.0.1');
  if (ip === null) return t.fail();
  const tls = createUpstreamTls(terms());

  const under = createDialer().dial({ addresses: [ip], port, timeoutMs: 60_000, tls }, () =>
    t.fail('nobody asks any more'),
  );
  await greeted.promise;
  under.abort();

  await closed.promise;
  t.pass();
});

test('sockets with TLS are counted until they close', async (t) => {
  const { port, ca } = await world(t);
  const dialer = createDialer(0);
  const { socket } = await dial(t, dialer, port, terms({ caCertificates: [ca] }));
  if (!(socket instanceof TLSSocket)) return t.fail('no TLS');
  t.true(dialer.crowded());

  socket.destroy();
  await once(socket, 'close');

  t.false(dialer.crowded());
});

test('other terms have another key, the same have the same', (t) => {
  const keyOf = (parts: Partial<TlsTerms>) => createUpstreamTls(terms(parts)).key;

  const keys = [
    keyOf({}),
    keyOf({ hostname: 'other.example' }),
    keyOf({ minVersion: 'TLSv1.3' }),
    keyOf({ caCertificates: [] }),
    keyOf({ caCertificates: ['a'] }),
    keyOf({ caCertificates: ['b'] }),
  ];

  t.is(new Set(keys).size, keys.length);
  t.is(keyOf({ caCertificates: ['a'] }), keyOf({ caCertificates: ['a'] }));
});
