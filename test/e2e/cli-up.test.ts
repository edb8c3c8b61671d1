import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { childEnvironment } from '../support/environment.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { linesOf } from '../support/lines.ts';
import { run } from '../support/run.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');

const proxy = (port: number, more = '', name = 'one') => `
apiVersion: headgate.dev/v1alpha1
kind: ForwardProxy
metadata: {name: ${name}, namespace: team-a}
spec:
  listeners: [{name: all, port: ${port}, address: 127.0.0.1}]
  egress: {addressPolicy: {allowCIDRs: [127.0.0.0/8]}}
${more}`;

const resources = (ports: readonly number[]) => proxy(ports[0] ?? 0);

/** `headgate events` as lines without sequence and time. */
async function story(cli: (...args: string[]) => Promise<{ stdout: string }>) {
  const { stdout } = await cli('events');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return lines.map(([, , type, subject]) => `${type} ${subject}`);
}

test('get shows what runs as a table, as JSON and as YAML, and after it stopped', async (t) => {
  const up = await startHeadgate(t, { resources });

  const table = await up.cli('get');
  t.regex(table.stdout, /^NAMESPACE +NAME +POOL +ACCEPTED +PROGRAMMED +REASON +ACKED +PODS +AGE\n/);
  t.regex(table.stdout, /\nteam-a +one +default +True +True +Programmed +1 +1 +\d+s\n$/);

  const json = JSON.parse((await up.cli('get', 'fp', 'one', '-o', 'json')).stdout);
  t.like(json, {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { name: 'one', namespace: 'team-a', generation: 1 },
    status: { observedGeneration: 1, propagation: { state: 'Complete' } },
  });
  t.regex((await up.cli('get', '-o', 'yaml')).stdout, /^apiVersion: v1\nkind: List\nitems:\n/);
  t.is((await up.cli('get', 'fp', 'other')).code, 1);
  t.is((await up.cli('get', 'pods')).code, 2);

  await up.stop();
  t.is((await up.cli('get')).stdout.replace(/\d+s/, ''), table.stdout.replace(/\d+s/, ''));
});

test('events --follow prints what happens, once, until it is interrupted', async (t) => {
  const up = await startHeadgate(t, { resources });
  const child = spawn(headgate, ['events', '--follow', '--data', up.data], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = linesOf(child.stdout);
  await lines.next((line) => line.includes('PoolPublished'));

  await up.apply(proxy(up.port, '  via: {enabled: false}'));
  await lines.next((line) =>
    /ForwardProxyConfigured +ForwardProxy\/team-a\/one +generation 2/.test(line),
  );
  const exited = once(child, 'exit');
  child.kill('SIGINT');

  t.deepEqual(await exited, [0, null]);
  t.is(new Set(lines.all).size, lines.all.length, 'no line comes twice');
  const json = (await up.cli('events', 'team-a/one', '-o', 'json')).stdout.trim().split('\n');
  t.is(json.length, 2);
  t.like(JSON.parse(json[0] ?? ''), { event: { subject: 'ForwardProxy/team-a/one' } });
});

test('a broken edit says where, and the last good version serves on', async (t) => {
  const up = await startHeadgate(t, { resources });

  await up.write(proxy(up.port, '  drian: {}'));
  const refused = await up.stdout.next((line) => line.includes('refused'));

  t.regex(refused, /Accepted=False\/Invalid: .*resources\.yaml:\d+:spec\.drian: /);
  t.regex((await up.cli('get')).stdout, /team-a +one +default +False +True +Invalid/);
});

test('a second `up` on the same data directory or admin address ends with 3', async (t) => {
  const up = await startHeadgate(t, { resources });
  const start = (...args: string[]) => run(headgate, ['up', '-f', up.directory, ...args]);

  const sameData = await start('--data', up.data, '--admin', '127.0.0.1:0');
  t.is(sameData.code, 3);
  t.regex(sameData.stderr, /^headgate: /m);

  const admin = new URL(up.admin).host;
  const sameAdmin = await start('--data', join(up.home, 'other'), '--admin', admin);
  t.is(sameAdmin.code, 3);
  t.regex(sameAdmin.stderr, /--admin/);
});

test('a directory that is not there ends with 1', async (t) => {
  const up = await startHeadgate(t, { resources });

  const { code, stderr } = await run(headgate, [
    ...['up', '-f', join(up.home, 'none'), '--data', join(up.home, 'other')],
    ...['--admin', '127.0.0.1:0'],
  ]);

  t.is(code, 1);
  t.regex(stderr, /none/);
});

test('after kill -9 everything is back and nothing is there twice', async (t) => {
  const first = await startHeadgate(t, { resources });
  await first.apply(proxy(first.port, '  via: {enabled: false}'));
  const before = await story(first.cli);
  await first.stop('SIGKILL');

  const second = await startHeadgate(t, {
    resources: (ports) => (ports.length > 0 ? proxy(first.port, '  via: {enabled: false}') : ''),
    home: first.home,
  });

  t.deepEqual(await story(second.cli), [...before, 'LeaderElected headgate']);
  t.regex((await second.cli('get')).stdout, /team-a +one +default +True +True +Programmed/);
});

test('a data directory that was removed is rebuilt from the files, and that is said', async (t) => {
  const first = await startHeadgate(t, { resources });
  await first.stop();
  await rm(first.data, { recursive: true });

  const second = await startHeadgate(t, { resources: () => proxy(first.port), home: first.home });

  const said = await second.stdout.next((line) => line.includes('rebuilt'));
  t.regex(said, /^there was no log in .*: rebuilt 1 resource from /);
});

test('a data directory that is removed under a running process is said, and traffic goes on', async (t) => {
  const up = await startHeadgate(t, { resources });

  await rm(up.data, { recursive: true });

  await up.stdout.next((line) => /^problem .*log\.sqlite: the log was removed/.test(line), 0);
  const { status } = await fetch(`${up.admin}/readyz`);
  t.is(status, 200);
});

test('SIGTERM ends an idle process with 0', async (t) => {
  const up = await startHeadgate(t, { resources });

  t.deepEqual(await up.stop('SIGTERM'), { code: 0, signal: null });
});

test('SIGINT drains; a second one ends with 130 at once', async (t) => {
  const up = await startHeadgate(t, {
    resources: (ports) => proxy(ports[0] ?? 0, '  connect: {allowedPorts: ["1-65535"]}'),
  });
  await openBusyTunnel(t, up.port);

  const exited = up.stop('SIGINT');
  await up.stderr.next((line) => line.includes('"draining"'));
  process.kill(up.pid, 'SIGINT');

  t.deepEqual(await exited, { code: 130, signal: null });
});

test('a crash ends the process with 70 and a stack in the log, instead of leaving it half alive', async (t) => {
  const bug = `process.on('SIGUSR2', () => { throw new Error('a bug') })`;
  const up = await startHeadgate(t, {
    resources,
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(bug)}` },
  });

  t.deepEqual(await up.stop('SIGUSR2'), { code: 70, signal: null });
  t.true(up.stderr.all.some((line) => line.includes('internal error') && line.includes('a bug')));
});

/** A tunnel that keeps a drain from ending by itself. */
async function openBusyTunnel(t: ExecutionContext, port: number): Promise<void> {
  const origin = createServer((socket) => {
    socket.on('error', () => undefined);
    t.teardown(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  t.teardown(() => origin.close());
  await once(origin, 'listening');
  const address = origin.address();
  const originPort = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connect(port, '127.0.0.1');
  t.teardown(() => client.destroy());
  client.on('error', () => undefined);
  client.write(`CONNECT 127.0.0.1:${originPort} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const [answer] = await once(client, 'data');
  t.regex(String(answer), /^HTTP\/1\.1 200/);
}
