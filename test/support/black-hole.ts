import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { childEnvironment } from './environment.ts';
import { linesOf } from './lines.ts';
import type { Scope } from './teardowns.ts';

const program = `
  const server = require('node:net').createServer();
  server.listen({ host: process.argv[1], port: Number(process.argv[2]), backlog: 1 }, () =>
    console.log(server.address().port));
`;
/** Linux queues one more than the backlog. */
const queue = 2;

/**
 * A port on loopback that neither accepts nor refuses: its process is stopped and its queue full,
 * so that the kernel drops every SYN.
 */
export async function startBlackHole(
  t: Pick<Scope, 'teardown'>,
  { host = '127.0.0.1', port = 0 } = {},
): Promise<{ readonly port: number; readonly authority: string }> {
  const child = spawn(process.execPath, ['-e', program, host, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: childEnvironment(),
  });
  t.teardown(() => child.kill('SIGKILL'));
  const bound = Number(await linesOf(child.stdout).next(() => true));
  await stop(child);
  for (let filled = 0; filled < queue; filled++) {
    const socket = connect({ host, port: bound });
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'connect');
  }
  return { port: bound, authority: `${host}:${bound}` };
}

/** A stopped process has no event of its own; /proc says when it is one. */
async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  while (!/^\d+ \(.*\) T/.test(await readFile(`/proc/${child.pid}/stat`, 'utf8'))) {
    await new Promise(setImmediate);
  }
}
