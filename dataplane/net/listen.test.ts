import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { childEnvironment } from '../../test/support/environment.ts';
import { linesOf } from '../../test/support/lines.ts';
import { freePort } from '../../test/support/ports.ts';
import { type BoundSocket, bind } from './listen.ts';

async function bound(t: ExecutionContext, address: string): Promise<BoundSocket> {
  const socket = await bind(address, 0);
  t.teardown(() => socket.close());
  return socket;
}

/** Accepts on a descriptor of its own and says its name to whoever connects. */
async function serve(t: ExecutionContext, fd: number, name: string) {
  const server = createServer((socket) => socket.on('error', () => undefined).end(name));
  t.teardown(() => server.close());
  server.listen({ fd });
  await once(server, 'listening');
  return server;
}

/** What is said at this port. */
async function askedAt(t: ExecutionContext, host: string, port: number): Promise<string> {
  const socket = connect(port, host).setEncoding('utf8');
  t.teardown(() => socket.destroy());
  const [text] = await once(socket, 'data');
  return String(text);
}

test('a bound socket has its port before anybody serves it, and queues who connects', async (t) => {
  const socket = await bound(t, '127.0.0.1');
  const early = askedAt(t, '127.0.0.1', socket.port);

  await serve(t, socket.duplicate(), 'one');

  t.is(await early, 'one');
  t.like(socket, { address: '127.0.0.1' });
});

test('a thread that stops listening takes nothing from the others', async (t) => {
  const socket = await bound(t, '127.0.0.1');
  const first = await serve(t, socket.duplicate(), 'first');
  await askedAt(t, '127.0.0.1', socket.port);

  first.close();
  await once(first, 'close');
  const waiting = askedAt(t, '127.0.0.1', socket.port);
  await serve(t, socket.duplicate(), 'second');

  t.is(await waiting, 'second');
});

test('a port is had by one alone, until it is closed', async (t) => {
  // Not an ephemeral port: once closed, another test's connection could get it.
  const socket = await bind('127.0.0.1', await freePort());

  await t.throwsAsync(bind('127.0.0.1', socket.port), { code: 'EADDRINUSE' });
  socket.close();
  const again = await bind('127.0.0.1', socket.port);
  t.teardown(() => again.close());

  t.is(again.port, socket.port);
});

test('an address this machine does not have is refused', async (t) => {
  await t.throwsAsync(bind('192.0.2.1', 0), { code: 'EADDRNOTAVAIL' });
});

test('the wildcard takes IPv4 too', async (t) => {
  const socket = await bound(t, '::');
  await serve(t, socket.duplicate(), 'any');

  t.is(await askedAt(t, '127.0.0.1', socket.port), 'any');
});

const withoutDescriptors = `
  import { closeSync, openSync } from 'node:fs';
  const { bind } = await import(process.argv[1]);
  (await bind('127.0.0.1', 0)).close();
  const open = [];
  try { for (;;) open.push(openSync('/dev/null')); } catch {}
  closeSync(open.pop());
  await bind('127.0.0.1', 0).catch(({ message }) => { open.forEach(closeSync); console.log(message); });
`;

test('a process without a descriptor left hears so and goes on', async (t) => {
  const module = join(import.meta.dirname, 'listen.ts');
  const node = [process.execPath, '--input-type=module', '-e', withoutDescriptors, module];
  const child = spawn('sh', ['-c', 'ulimit -n 128; exec "$@"', 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: childEnvironment(),
  });
  t.teardown(() => child.kill('SIGKILL'));

  t.is(
    await linesOf(child.stdout).next(() => true),
    'no descriptor left to share a listening socket',
  );
});
