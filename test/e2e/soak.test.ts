import { readdir, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { connectThrough } from '../support/connect.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { startTcpOrigin } from '../support/origin.ts';

const mebibyte = 1024 * 1024;

const startProxy = (t: Parameters<typeof startHeadgate>[0]) =>
  startHeadgate(t, {
    args: ['--access-log', '/dev/null'],
    resources: ([port = 0]) => forwardProxy({ port }),
  });

/** Resident memory of the process, in MiB. */
async function residentMemory({ pid }: HeadgateUp): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

async function openDescriptors({ pid }: HeadgateUp): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** Until a count stands still while the proxy answers several scrapes: nothing moves any more. */
async function untilStill(up: HeadgateUp, count: () => number): Promise<void> {
  let unchanged = 0;
  let last = -1;
  while (unchanged < 10) {
    unchanged = count() === last ? unchanged + 1 : 0;
    last = count();
    await up.metrics();
  }
}

// C15
test('a gigabyte through a tunnel whose client reads in fits and starts takes no memory', async (t) => {
  t.timeout(300_000);
  const total = 1024 * mebibyte;
  const chunk = Buffer.alloc(mebibyte, 'x');
  let sent = 0;
  const origin = await startTcpOrigin(t, (socket) => {
    const fill = () => {
      while (sent < total) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
      socket.end();
    };
    socket.on('drain', fill);
    fill();
  });
  const up = await startProxy(t);
  const { socket } = await connectThrough(up.port, origin.authority);
  socket.pause();
  await untilStill(up, () => sent);
  t.true(sent < 64 * mebibyte, 'a client that does not read stops its origin');
  const memory = [await residentMemory(up)];

  let received = 0;
  const ended = Promise.withResolvers<void>();
  let pauseAt = 0;
  let paused = Promise.withResolvers<void>();
  socket.on('data', (data: Buffer) => {
    received += data.length;
    if (received < pauseAt) return;
    socket.pause();
    paused.resolve();
  });
  socket.on('end', () => ended.resolve());
  for (let part = 1; part <= 8; part++) {
    pauseAt = (part * total) / 10;
    paused = Promise.withResolvers<void>();
    socket.resume();
    await paused.promise;
    await untilStill(up, () => sent);
    memory.push(await residentMemory(up));
  }
  pauseAt = Number.POSITIVE_INFINITY;
  socket.resume();
  await ended.promise;
  memory.push(await residentMemory(up));

  t.is(received, total);
  const [before = 0] = memory;
  t.true(Math.max(...memory) - before < 100, `MiB: ${memory.map(Math.round).join(' ')}`);
});

test('twenty thousand tunnels leave no descriptor, no place and no memory behind', async (t) => {
  t.timeout(600_000);
  const origin = await startTcpOrigin(t, (socket) => void socket.pipe(socket));
  const up = await startProxy(t);
  await runTunnels(up.port, origin.authority, 200);
  await untilIdle(up);
  const descriptors = await openDescriptors(up);

  await runTunnels(up.port, origin.authority, 10_000);
  await untilIdle(up);
  const half = await residentMemory(up);
  await runTunnels(up.port, origin.authority, 10_000);
  await untilIdle(up);
  const whole = await residentMemory(up);

  t.true((await openDescriptors(up)) <= descriptors + 2);
  t.true(whole - half < 80, `MiB after half of them ${half}, after all ${whole}`);
});

/** The registry is empty: no tunnel and no connection is open. */
async function untilIdle(up: HeadgateUp): Promise<void> {
  await untilMetric(up, 'headgate_tunnels{resource="test/egress",relay="stream"}', 0);
  await untilMetric(up, 'headgate_forward_proxy_connections{resource="test/egress"}', 0);
}

const atOnce = 50;

async function runTunnels(port: number, authority: string, count: number): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await runTunnel(port, authority);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** Opens a tunnel, says something, hears it back, and hangs up. */
function runTunnel(port: number, authority: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket: Socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  let answer = '';
  let established = false;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  socket.on('data', (data: Buffer) => {
    answer += data.toString('latin1');
    if (established || !answer.includes('\r\n\r\n')) return;
    established = true;
    answer = '';
    socket.end('ping');
  });
  socket.on('end', () => {
    socket.destroy();
    if (answer === 'ping') resolve();
    else reject(new Error(`the tunnel answered ${JSON.stringify(answer)}`));
  });
  socket.on('error', reject);
  return promise;
}
