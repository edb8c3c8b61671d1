import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { forwardProxy } from '../support/forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { metricValue, untilMetric } from '../support/metrics.ts';
import { echo, startTcpOrigin } from '../support/origin.ts';
import { peerOf } from '../support/peer.ts';
import { descriptorsOf, heapOf, weighing } from '../support/process-state.ts';

// Nothing piles up: not bytes that a slow reader leaves behind, not tunnels that are over.

const megabyte = 1024 * 1024;
const resource = 'test/egress';

const start = (t: Parameters<typeof startHeadgate>[0]) =>
  startHeadgate(t, {
    resources: ([port = 0]) => forwardProxy({ port, spec: { accessLog: { enabled: false } } }),
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(weighing)}` },
  });

/** Resident memory of the whole process in bytes, as Linux counts it. */
async function memoryOf(up: HeadgateUp): Promise<number> {
  const status = await readFile(`/proc/${up.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function openTunnel(up: HeadgateUp, authority: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: up.port });
  const peer = peerOf(socket);
  peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const { status, startLine } = await peer.head();
  if (status !== 200) throw new Error(startLine);
  return socket;
}

test.serial('1 GB through a tunnel with a slow reader: memory stays flat', async (t) => {
  const total = 1024 * megabyte;
  const chunk = Buffer.alloc(megabyte, 'headgate');
  const { authority, sockets } = await startTcpOrigin(t, (origin) => {
    let left = total / chunk.length;
    const send = () => {
      while (left > 0) {
        left -= 1;
        if (!origin.write(chunk)) return void origin.once('drain', send);
      }
      origin.end();
    };
    send();
  });
  const up = await start(t);
  const socket = connect({ host: '127.0.0.1', port: up.port });
  t.teardown(() => socket.destroy());
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const before = await memoryOf(up);
  const sentSoFar = () => [...sockets].reduce((sum, origin) => sum + origin.bytesWritten, 0);

  // Nobody reads: the origin has to wait, and does not go on while we look at other things.
  let sent = -1;
  while (sent < chunk.length || sent !== sentSoFar()) {
    sent = sentSoFar();
    for (let look = 0; look < 10; look += 1) await up.metrics();
  }
  t.true(sent < 64 * megabyte, `${mb(sent)} on their way`);

  // Then the origin sends as fast as it may, and the client looks at the proxy's memory in between.
  let received = 0;
  let looked = 0;
  let highest = before;
  for await (const data of socket) {
    received += (data as Buffer).length;
    if (received < looked + 16 * megabyte) continue;
    looked = received;
    highest = Math.max(highest, await memoryOf(up));
  }

  t.true(received >= total);
  t.log(
    `${mb(sent)} on their way while nobody read; memory ${mb(before)} before, at most ${mb(highest)}`,
  );
  t.true(highest - before < 128 * megabyte, `${mb(before)} grew to ${mb(highest)}`);
});

const mb = (bytes: number) => `${(bytes / megabyte).toFixed(0)} MB`;

/** Opens and closes tunnels, so many at a time, every one used once. */
async function churn(up: HeadgateUp, authority: string, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const socket = await openTunnel(up, authority);
      const echoed = new Promise((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('close', reject);
      });
      socket.write('ping');
      await echoed;
      // Half end as they should, half are torn down: no port is left in TIME_WAIT by those.
      if (left % 2 === 0) socket.end();
      else socket.resetAndDestroy();
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
}

test.serial('20,000 tunnels opened and closed leave nothing behind', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const up = await start(t);
  const idle = async () => {
    await untilMetric(up, `headgate_tunnels{resource="${resource}",relay="stream"}`, 0);
    await untilMetric(up, `headgate_forward_proxy_connections{resource="${resource}"}`, 0);
  };
  await churn(up, authority, 2_000); // code is compiled, pools are filled
  await idle();
  const before = { heap: await heapOf(up), descriptors: await descriptorsOf(up) };

  await churn(up, authority, 20_000);
  await idle();

  const labels = `{resource="${resource}",type="connect",code="200",rule="default"}`;
  t.is(await metricValue(up, `headgate_forward_proxy_requests_total${labels}`), 22_000);
  const after = { heap: await heapOf(up), descriptors: await descriptorsOf(up) };
  t.log(`heap ${mb(before.heap)} → ${mb(after.heap)}`);
  t.log(`descriptors ${before.descriptors} → ${after.descriptors}`);
  t.true(after.descriptors <= before.descriptors + 4);
  // 20,000 leaked tunnels would be 60 MB at the least (3 KB each).
  t.true(after.heap - before.heap < 10 * megabyte);
});
