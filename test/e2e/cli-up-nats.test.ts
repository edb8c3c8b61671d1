import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import test from 'ava';
import { childEnvironment } from '../support/environment.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { run } from '../support/run.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');

const proxy = (port: number, spec: object = {}) =>
  forwardProxy({ name: 'one', namespace: 'team-a', port, spec: { ...spec } });

const resources = (ports: readonly number[]) => proxy(ports[0] ?? 0);

test('up, get and events work on a log in NATS, also over a restart of NATS', async (t) => {
  const nats = await startNatsServer(t);
  const up = await startHeadgate(t, { resources, args: ['--nats', nats.url] });
  const get = () => run(headgate, ['get', '--nats', nats.url]);
  t.regex((await get()).stdout, /team-a +one +default +True +True +Programmed/);

  await nats.kill();
  await up.stderr.next((line) => line.includes('the log is out of reach'));
  await up.write(proxy(up.port, { via: { enabled: false } }));
  await nats.start();
  await up.stdout.next((line) => line.includes('Programmed: generation 2'));

  const { stdout } = await run(headgate, ['events', '--nats', nats.url]);
  t.is(stdout.match(/ForwardProxyConfigured/g)?.length, 2);
});

test('a stream that was deleted is made anew, published again, and that is said', async (t) => {
  const nats = await startNatsServer(t);
  const up = await startHeadgate(t, { resources, args: ['--nats', nats.url] });
  const connection = await connect({ servers: nats.url });
  t.teardown(() => connection.close());
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info('headgate');

  await manager.streams.delete('headgate');

  t.regex(
    await up.stdout.next((line) => line.includes('its history is lost')),
    /: rebuilt 1 resource from /,
  );
  t.true((await manager.streams.info('headgate')).state.first_seq > state.last_seq);
  const { stdout } = await run(headgate, ['events', '--nats', nats.url]);
  t.regex(stdout, /HistoryLost/);
});

test('who takes the lead over ends the other with 5; a stranger is refused with 3', async (t) => {
  const nats = await startNatsServer(t);
  const first = await startHeadgate(t, { resources, args: ['--nats', nats.url] });
  const args = (data: string) => [
    ...['up', '-f', first.directory, '--data', data, '--admin', '127.0.0.1:0', '--nats', nats.url],
  ];

  const stranger = await run(headgate, args(join(first.home, 'other')));
  t.is(stranger.code, 3);
  t.regex(stranger.stderr, /--adopt/);

  const second = spawn(headgate, args(first.data), { env: childEnvironment(), stdio: 'ignore' });
  t.teardown(() => second.kill('SIGKILL'));
  t.deepEqual(await first.exited, { code: 5, signal: null });
  t.regex(first.stderr.all.join('\n'), /headgate: another process leads this log now/);
});
