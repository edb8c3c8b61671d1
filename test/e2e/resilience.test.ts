import test from 'ava';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { echo, startTcpOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

const scope = fileScope();
const specs = {
  open: {},
  hasty: { timeouts: { responseHeaders: '1s', bodyIdle: '1s' } },
  patient: { timeouts: { responseHeaders: '1s', bodyIdle: '30s' } },
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

const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

test('an upgrade that is answered slowly instead gets the whole answer and nothing else', async (t) => {
  const origin = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    for (const part of 'slow') {
      await afterSeconds(0.6);
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
  t.like(await proxies.up.accessLog(({ type, code }) => type === 'upgrade' && code !== null), {
    code: 'connection_read_timeout',
    verdict: 'failed',
  });
});

/** The time an origin takes is what these tests are about. */
const afterSeconds = (seconds: number) =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));
