import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import bcrypt from 'bcrypt';
import { mirrorRoute } from '../support/mirror-route.ts';
import { referenceGrant } from '../support/reference-grants.ts';
import { run } from '../support/run.ts';
import { service } from '../support/service.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');

async function directoryWith(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-cli-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  return directory;
}

const proxy = (name: string, port: number, more = '') => `
apiVersion: headgate.dev/v1alpha1
kind: ForwardProxy
metadata: {name: ${name}, namespace: team-a}
spec:
  listeners: [{name: all, port: ${port}, address: 127.0.0.1}]
${more}
---`;

test('the help names every command, teaches with examples and lists the exit codes', async (t) => {
  const { code, stdout } = await run(headgate, ['--help']);

  t.is(code, 0);
  for (const command of [
    'up',
    'validate',
    'get',
    'explain',
    'events',
    'htpasswd',
    'import',
    'version',
  ]) {
    t.regex(stdout, new RegExp(`^ {2}${command} `, 'm'));
    const help = await run(headgate, [command, '--help']);
    t.is(help.code, 0);
    if (!['version', 'explain', 'import'].includes(command))
      t.regex(help.stdout, /Examples:\n {2}\$ headgate/);
  }
  t.regex(stdout, /Exit codes:\n {4}0 {2}done/);
});

test('docs/cli.md names every option of every command', async (t) => {
  const page = await readFile(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  const commands = [
    'up',
    'validate',
    'get',
    'explain resource',
    'explain pod',
    'events',
    'htpasswd',
    'import apisix',
  ];
  for (const command of commands) {
    const { stdout } = await run(headgate, [...command.split(' '), '--help']);
    const options = Array.from(
      stdout.matchAll(/^ {2}(?:-\w, +)?(--[a-z-]+)/gm),
      ([, name]) => name,
    );

    t.true(options.length > 1, command);
    for (const option of options) t.true(page.includes(`${option}`), `${command} ${option}`);
  }
});

test('a program that is called kubectl-headgate speaks of itself as kubectl has it', async (t) => {
  const directory = await directoryWith(t, {});
  const plugin = join(directory, 'kubectl-headgate');
  await symlink(headgate, plugin);

  t.regex((await run(plugin, ['get', '--help'])).stdout, /^Usage: kubectl headgate get /);
  t.regex((await run(headgate, ['get', '--help'])).stdout, /^Usage: headgate get /);
  const { code, stderr } = await run(plugin, ['get'], { env: { KUBECONFIG: '', HOME: directory } });
  t.is(code, 1);
  t.regex(stderr, /there is no kubeconfig/);
});

test('a wrong command line ends with 2 and says what can be written', async (t) => {
  for (const args of [
    ['nonsense'],
    ['up'],
    ['up', '-f', '.', '--workers', '0'],
    ['up', '-f', '.', '--admin', 'here'],
    ['get', '-A', '-n', 'team-a'],
    ['explain', 'resource', 'fp/one', '--at', 'yesterday'],
    [],
  ]) {
    const { code, stderr } = await run(headgate, args);

    t.is(code, 2, args.join(' '));
    t.regex(stderr, /help/i);
  }
});

test('two places at once are refused with 2 instead of guessed at', async (t) => {
  const { code, stderr } = await run(headgate, ['get', '--data', '.', '--context', 'prod']);

  t.is(code, 2);
  t.regex(stderr, /--data and --context name two places/);
});

test('version says which Headgate on which Node', async (t) => {
  const { code, stdout } = await run(headgate, ['version']);

  t.is(code, 0);
  t.regex(stdout, /^headgate \d+\.\d+\.\d+ \(node v26\./);
});

test('validate answers 0 for good files and names what is in them', async (t) => {
  const directory = await directoryWith(t, { 'a.yaml': proxy('one', 3128) + proxy('two', 3129) });

  const { code, stdout } = await run(headgate, ['validate', '-f', directory]);

  t.is(code, 0);
  t.is(stdout, 'ForwardProxy/team-a/one\nForwardProxy/team-a/two\nvalid: 2\n');
});

test('validate answers 1 with file:line:field: message for everything that is wrong', async (t) => {
  const directory = await directoryWith(t, {
    'a.yaml': proxy('one', 3128) + proxy('same-port', 3128),
    'b.yaml': proxy('typo', 3130, '  drian: {}'),
    'c.yaml': 'a: [',
    'd.yaml': proxy(
      'secret',
      3131,
      '  authentication: {mode: Basic, basic: {secretRef: {name: users}}}',
    ),
  });

  const { code, stdout, stderr } = await run(headgate, ['validate', '-f', directory]);

  t.is(code, 1);
  t.regex(stdout, /a\.yaml:\d+:spec\.listeners: .*ForwardProxy\/team-a\/one/);
  t.regex(stdout, /b\.yaml:\d+:spec\.drian: /);
  t.regex(stdout, /c\.yaml:1: /);
  t.regex(stdout, /d\.yaml:\d+:spec.*there is no Secret team-a\/users/);
  t.regex(stderr, /4 problems found/);
});

test('validate asks for the ReferenceGrant of a Service in another namespace', async (t) => {
  const backendRefs = [{ name: 'shop', namespace: 'team-b', port: 80 }];
  const route = mirrorRoute('route', 8080, { rules: [{ backendRefs }] });
  const text = route + service('shop', [], 'team-b');
  const [without, withGrant] = await Promise.all([
    directoryWith(t, { 'a.yaml': text }),
    directoryWith(t, {
      'a.yaml': text + referenceGrant({ from: 'test', namespace: 'team-b' }),
    }),
  ]);

  const refused = await run(headgate, ['validate', '-f', without]);
  const valid = await run(headgate, ['validate', '-f', withGrant]);

  t.is(refused.code, 1);
  t.regex(
    refused.stdout,
    /a\.yaml:2:spec: .*namespace team-b needs one from \{group: headgate\.dev/,
  );
  t.like(valid, { code: 0, stdout: 'MirrorRoute/test/route\nvalid: 1\n' });
});

test('validate of a directory that is not there ends with 1', async (t) => {
  const { code, stdout } = await run(headgate, ['validate', '-f', '/no/such/directory']);

  t.is(code, 1);
  t.is(stdout, '/no/such/directory: does not exist\n');
});

test('get and events without a log end with 4 and say how to make one', async (t) => {
  const directory = await directoryWith(t, {});
  for (const command of ['get', 'events', 'explain resource fp/one']) {
    const { code, stderr } = await run(headgate, [
      ...command.split(' '),
      '--data',
      join(directory, 'none'),
    ]);

    t.is(code, 4);
    t.regex(stderr, /headgate up -f DIR/);
  }
});

test('a log on NATS that does not answer ends with 4', async (t) => {
  const { code, stderr } = await run(headgate, ['get', '--nats', 'nats://127.0.0.1:1']);

  t.is(code, 4);
  t.regex(stderr, /^headgate: /);
});

test('htpasswd prints a line that verifies, and nothing of the password', async (t) => {
  const { code, stdout, stderr } = await run(headgate, ['htpasswd', 'ann', '--cost', '4'], {
    input: 'correct horse\n',
  });

  t.is(code, 0);
  t.regex(stdout, /^ann:\$2y\$04\$[./A-Za-z0-9]{53}\n$/);
  t.notRegex(stdout + stderr, /horse/);
  const hash = stdout.trim().slice('ann:'.length).replace('$2y$', '$2b$');
  t.true(await bcrypt.compare('correct horse', hash));
});

const refusedPasswords: ReadonlyArray<readonly [string, string, string, RegExp]> = [
  ['73 bytes', 'ann', 'x'.repeat(73), /72 bytes/],
  ['nothing', 'ann', '', /empty/],
  ['two lines', 'ann', 'a\nb\n', /more than one line/],
  ['a user with a colon', 'an:n', 'x', /colon/],
];

for (const [name, user, input, expected] of refusedPasswords) {
  test(`htpasswd refuses ${name}`, async (t) => {
    const { code, stdout, stderr } = await run(headgate, ['htpasswd', user], { input });

    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr, expected);
  });
}
