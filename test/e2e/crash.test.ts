import test, { type ExecutionContext } from 'ava';
import { ask, get } from '../support/ask.ts';
import { testWorkers } from '../support/environment.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { echo, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';

/** Loaded into every thread: on SIGUSR2 the first serving thread meets a bug. */
const bug = `
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
const channel = new BroadcastChannel('bug');
channel.unref();
if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('now'));
else if (workerData?.worker === 0) channel.onmessage = () => setImmediate(() => { throw new Error('a bug') });
`;

const start = (t: ExecutionContext) =>
  startHeadgate(t, {
    resources: ([port = 0]) => forwardProxy({ port, spec: { drain: { timeout: '0s' } } }),
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bug)}` },
  });

test('a serving thread that dies is replaced: its connections are lost, its counts are not', async (t) => {
  const [up, origin, { authority }] = await Promise.all([
    start(t),
    startOrigin(t),
    startTcpOrigin(t, echo),
  ]);
  t.is((await ask(t, up.port, get(origin.authority))).status, 200);
  const tunnels = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const peer = await connectPeer(t, up.port);
      peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      t.is((await peer.head()).status, 200);
      return peer;
    }),
  );

  process.kill(up.pid, 'SIGUSR2');
  if (testWorkers === 1) await Promise.all(tunnels.map((tunnel) => tunnel.rest()));
  const line = await up.stderr.next((each) => each.includes('serving thread died'));

  t.regex(line, /"a bug"/);
  t.is((await ask(t, up.port, get(origin.authority))).status, 200);
  const requests =
    'headgate_forward_proxy_requests_total{resource="test/egress",type="plain",code="200",rule="default"}';
  await untilMetric(up, requests, 2);
  await untilMetric(up, 'headgate_worker_restarts_total', 1);
  t.deepEqual(await up.stop(), { code: 0, signal: null });
});

test('a serving thread that dies again and again ends the process with 70', async (t) => {
  const up = await start(t);

  const over = up.exited.then(() => 'over');
  const again = () => {
    process.kill(up.pid, 'SIGUSR2'); // a thread that is just starting does not hear it
    return up.metrics().catch(() => null);
  };
  while ((await Promise.race([over, again()])) !== 'over');

  t.deepEqual(await up.exited, { code: 70, signal: null });
});
