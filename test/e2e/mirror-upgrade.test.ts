import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { ask } from '../support/ask.ts';
import { copyCounts, untilCopies } from '../support/copy-counts.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { requestText } from '../support/route-request.ts';
import { startWebsocketEcho } from '../support/websocket-echo.ts';

// Connections that switch protocols are for the backend alone: a copy of their bytes would be a
// second client, and nobody could answer it.

type World = { readonly mirror: Recorder; readonly routes: Routes<'sockets'> };

async function start(t: ExecutionContext): Promise<World> {
  const [backend, mirror] = await Promise.all([
    startWebsocketEcho(t, { path: '/inside/echo' }),
    startRecorder(t),
  ]);
  const routes = await startRoutes(t, {
    sockets: {
      rules: [
        ruleTo(backend, {
          filters: [
            {
              type: 'URLRewrite',
              urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/inside' } },
            },
          ],
          mirrors: [mirrorTo(mirror)],
        }),
      ],
    },
  });
  return { mirror, routes };
}

const resource = 'test/sockets';

test('a websocket goes to the backend of its rule, and no mirror hears of it', async (t) => {
  const { mirror, routes } = await start(t);
  const websocket = new WebSocket(`ws://127.0.0.1:${routes.portOf.sockets}/echo`);
  t.teardown(() => websocket.terminate());
  await once(websocket, 'open');

  for (const sent of [Buffer.from('hello'), Buffer.alloc(300_000, 7)]) {
    websocket.send(sent);
    const [received] = await once(websocket, 'message');
    t.true(sent.equals(received));
  }
  websocket.close(1000, 'bye');
  const [code] = await once(websocket, 'close');

  t.is(code, 1000);
  await untilCopies(routes.up, { resource }, { skipped: { upgrade: 1 } });
  t.is(mirror.received.length, 0);
});

test('a backend may refuse to switch; that is its answer', async (t) => {
  const { routes } = await start(t);
  const fields = ['Connection: Upgrade', 'Upgrade: websocket'];

  const answer = await ask(t, routes.portOf.sockets, requestText({ target: '/page', fields }));

  t.is(answer.status, 400);
  t.is(answer.field('proxy-status'), null);
  t.is((await answer.client.rest()).text, '');
  t.deepEqual((await copyCounts(routes.up, { resource })).skipped, { upgrade: 1 });
});

test('a request that offers h2c stays a request, and is copied without the offer', async (t) => {
  const { mirror, routes } = await start(t);
  const fields = [
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
  ];

  const answer = await ask(t, routes.portOf.sockets, requestText({ target: '/page', fields }));
  await mirror.gotAll(1);

  t.is(answer.status, 404);
  t.is(mirror.received[0]?.field('upgrade'), null);
  t.is(mirror.received[0]?.field('http2-settings'), null);
});
