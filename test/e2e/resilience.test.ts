import test from 'ava';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { echo, startTcpOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';

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
