import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { connectThrough } from '../support/connect.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { makeCertificates } from '../support/tls.ts';
import { startWebsocketEcho } from '../support/websocket-echo.ts';

test('a websocket goes through CONNECT', async (t) => {
  const up = await startHeadgate(t, { resources: ([port = 0]) => forwardProxy({ port }) });
  const { authority } = await startWebsocketEcho(t);
  const { socket } = await connectThrough(up.port, authority);

  const websocket = new WebSocket(`ws://${authority}/`, { createConnection: () => socket });

  await assertEchoes(t, websocket);
});

test('a websocket over TLS goes through CONNECT', async (t) => {
  const certificates = await makeCertificates(t);
  const up = await startHeadgate(t, { resources: ([port = 0]) => forwardProxy({ port }) });
  const { authority } = await startWebsocketEcho(t, { tls: certificates });
  const { socket } = await connectThrough(up.port, authority);
  const secure = connectTls({ socket, ca: certificates.ca, servername: 'localhost' });
  await once(secure, 'secureConnect');

  // ws would start TLS of its own for wss://; what it gets has it already.
  const websocket = new WebSocket(`ws://${authority}/`, { createConnection: () => secure });

  await assertEchoes(t, websocket);
});

test('a websocket upgrades a plain proxied request', async (t) => {
  const up = await startHeadgate(t, { resources: ([port = 0]) => forwardProxy({ port }) });
  const { authority } = await startWebsocketEcho(t);

  const websocket = new WebSocket(`ws://127.0.0.1:${up.port}/`, {
    finishRequest(request) {
      request.path = `http://${authority}/`;
      request.setHeader('host', authority);
      request.end();
    },
  });

  await assertEchoes(t, websocket);
});

async function assertEchoes(t: ExecutionContext, websocket: WebSocket): Promise<void> {
  t.teardown(() => websocket.terminate());
  await once(websocket, 'open');
  const big = Buffer.alloc(300_000, 7);

  for (const sent of [Buffer.from('hello'), big]) {
    websocket.send(sent);
    const [received] = await once(websocket, 'message');
    t.true(sent.equals(received));
  }

  websocket.close(1000, 'bye');
  const [code] = await once(websocket, 'close');
  t.is(code, 1000);
}
