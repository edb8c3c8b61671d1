import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { childEnvironment } from '../support/environment.ts';
import { configured, spoken, writtenLog } from '../support/explained-log.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { linesOf } from '../support/lines.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { startNatsWithUsers } from '../support/nats-users.ts';
import { run } from '../support/run.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');

const proxy = (port: number, spec: object = {}) =>
  forwardProxy({ name: 'one', namespace: 'team-a', port, spec: { ...spec } });

const resources = (ports: readonly number[]) => proxy(ports[0] ?? 0);

test('explain tells what a pod runs, what was refused, and what was in force before', async (t) => {
  const nats = await startNatsServer(t);
  const up = await startHeadgate(t, { resources, args: ['--nats', nats.url] });
  await up.apply(proxy(up.port, { via: { enabled: false } }));
  await up.write(proxy(99_999));
  await up.stdout.next((line) => line.includes('refused: generation 3'));
  const explain = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(headgate, ['explain', ...args, '--nats', nats.url]);
    t.is(code, 0, stderr);
    return stdout;
  };

  const resource = await explain('resource', 'fp/one');
  t.regex(resource, /in force +sequence \d+, generation 2, since \S+Z \(\w+\), by \S+\.yaml:\d/);
  t.regex(resource, /refused +sequence \d+, generation 3, .*\n +Invalid: .*99999 is too big/);
  t.regex(resource, new RegExp(`\\n${hostname()} +default +\\d+ +2 +\\d+ +\\w+ +up to date\n`));
  const report = JSON.parse(await explain('resource', 'ForwardProxy/team-a/one', '-o', 'json'));
  t.like(report.pods[0], { runs: { sequence: report.inForce.sequence }, confirmed: true });

  const first = report.history[0].sequence;
  const past = await explain('resource', 'fp/one', '-n', 'team-a', '--at', String(first));
  t.regex(past, new RegExp(`as of sequence ${first}\n +in force +sequence ${first}, generation 1`));
  t.regex(past, /not known: what pods ran then/);

  const pod = await explain('pod', hostname());
  t.regex(pod, /state +up to date\n +checked +the pod's own digest says the same/);
  t.regex(pod, /\nForwardProxy\/team-a\/one +(\d+) +\1 +2 /);
});

test('on one machine explain says what it cannot see', async (t) => {
  const up = await startHeadgate(t, { resources });

  const { stdout } = await up.cli('explain', 'resource', 'fp/one');
  t.regex(stdout, /in force +sequence \d+, generation 1/);
  t.regex(stdout, /reported +Complete: 1 of 1 pods at generation 1/);
  t.regex(stdout, /not known: what pods run now: they acknowledge to the process/);

  const pod = await up.cli('explain', 'pod', hostname());
  t.is(pod.code, 1);
  t.regex(pod.stderr, /cannot be seen here/);
  t.is((await up.cli('explain', 'resource', 'fp/two')).code, 1);
  t.is((await up.cli('explain', 'resource', 'one')).code, 2);
});

test('a user that may only read the log sees it, and what pods say', async (t) => {
  const world = await startNatsWithUsers(t);
  const written = await writtenLog(await world.logOf({ is: 'operator' }), [
    configured('egress', 1),
    configured('egress', 2),
  ]);
  const pods = (await world.logOf({ is: 'pool', pool: 'default' })).acknowledgements;
  const applied = written.sequences[0] ?? 0;
  await pods.send(spoken('pod-1', written, { applied }));
  const directory = await mkdtemp(join(tmpdir(), 'headgate-creds-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const creds = join(directory, 'reader.creds');
  const reader = await world.mint({ is: 'reader' });
  await writeFile(creds, reader);
  const as = ['--nats', world.server.url, '--creds', creds];

  const events = await run(headgate, ['events', ...as]);
  t.is(events.stdout.match(/ForwardProxyConfigured/g)?.length, 2, events.stderr);
  const { stdout } = await run(headgate, ['explain', 'resource', 'fp/egress', ...as]);
  t.regex(stdout, /pod-1 +default +2 +1 +2 +k1 +1 event behind since/);
  const status = await run(headgate, ['get', ...as]);
  t.regex(status.stderr, /is in its cluster: kubectl headgate get/);

  const stranger = await run(headgate, ['events', '--nats', world.server.url]);
  t.is(stranger.code, 4);
  t.regex(stranger.stderr, /does not let us in/);
  const [, seed = ''] = /(SU[A-Z0-9]{50,})/.exec(reader) ?? [];
  for (const each of [events, status, stranger]) t.false(each.stderr.includes(seed));
});

test('events are told by pool, namespace and time', async (t) => {
  const up = await startHeadgate(t, { resources });
  const told = async (...args: string[]) =>
    (await up.cli('events', ...args)).stdout.trimEnd().split('\n').filter(Boolean).length;
  const all = await told();

  t.is(await told('--pool', 'default'), all - 1, 'the election is of no pool');
  t.is(await told('--pool', 'edge'), 0);
  t.is(await told('-n', 'team-a'), 1);
  t.is(await told('--since', '1h'), all);
  t.is(await told('--since', '2999-01-01T00:00:00Z'), 0);
  t.is((await up.cli('events', '--since', 'soon')).code, 2);
});

test('get --watch goes on with what changes until it is interrupted', async (t) => {
  const up = await startHeadgate(t, { resources });
  const child = spawn(headgate, ['get', '-o', 'json', '--watch', '--data', up.data], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = linesOf(child.stdout);
  await lines.next((line) => line.includes('"generation":1'));

  await up.apply(proxy(up.port, { via: { enabled: false } }));
  const line = await lines.next((each) => each.includes('"observedGeneration":2'));
  t.like(JSON.parse(line), { kind: 'ForwardProxy', config: { via: { enabled: false } } });
  const exited = once(child, 'exit');
  child.kill('SIGINT');

  t.deepEqual(await exited, [0, null]);
});
