import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { createValidator } from '../../operator/schema/validator.ts';
import { importCases, runImport } from '../golden/import-apisix/import-cases.ts';
import { ask } from '../support/ask.ts';
import { untilCopies } from '../support/copy-counts.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { adminRoute, mirroredBy } from '../support/imported.ts';
import { startOrigin } from '../support/origin.ts';
import { type Finished, run } from '../support/run.ts';

const root = join(import.meta.dirname, '../..');
const headgate = join(root, 'cli/headgate');

/** `headgate import apisix - OPTIONS…` with this text on standard input. */
async function importText(input: string, ...options: readonly string[]): Promise<Finished> {
  return await run(headgate, ['import', 'apisix', '-', ...options], { input });
}

const documentsIn = (yaml: string) => parseAllDocuments(yaml).map((document) => document.toJS());

for (const importCase of importCases()) {
  test(`${importCase.title}: prints what it always printed for it, which is valid`, async (t) => {
    const { code, stdout, stderr } = await runImport(importCase);

    t.is(code, 0);
    t.is(stdout, await readFile(importCase.mirrorRoute, 'utf8'), 'wanted? then npm run golden');
    t.is(stderr, await readFile(importCase.told, 'utf8'), 'wanted? then npm run golden');
    const documents = documentsIn(stdout);
    t.is(documents.length, 1);
    for (const document of documents) t.true(createValidator().validate(document).ok);
  });
}

test('what was imported is served: backends get what APISIX sends them, and mirrors copies', async (t) => {
  const [primary, mirror] = [await startOrigin(t), await startOrigin(t)];
  const route = mirroredBy(
    { host: mirror.url, path: '/copies', path_concat_mode: 'prefix' },
    { 'proxy-rewrite': { uri: '/echo', headers: { set: { 'X-From': 'apisix' } } } },
    { uri: '/get', host: 'shop.example', upstream: { nodes: { [primary.authority]: 1 } } },
  );
  const { stdout } = await importText(route);
  const up = await startHeadgate(t, {
    resources: ([port]) => stdout.replace('port: 9080', `port: ${port}`),
  });

  const head = 'GET /get?a=%20b HTTP/1.1\r\nHost: shop.example\r\n\r\n';
  const { status } = await ask(t, up.port, head);
  await untilCopies(up, { resource: 'default/shop' }, { sent: { answered: 1 } });

  t.is(status, 200);
  t.like(primary.requests, [{ url: '/echo?a=%20b', headers: { 'x-from': 'apisix' } }]);
  t.like(mirror.requests, [
    { url: '/copies/get?a=%20b', headers: { host: 'shop.example', 'x-from': 'apisix' } },
  ]);
});

test('options say where the MirrorRoute listens, who serves it, and how it is printed', async (t) => {
  const options = ['--namespace', 'team-a', '--port', '8081', '--pool', 'edge', '-o', 'json'];

  const { code, stdout } = await importText(adminRoute(), ...options);

  t.is(code, 0);
  t.like(JSON.parse(stdout), {
    kind: 'MirrorRoute',
    metadata: { name: 'shop', namespace: 'team-a' },
    spec: { pool: 'edge', listeners: [{ name: 'http', port: 8081 }] },
  });
});

test('several files are one configuration, whichever comes first', async (t) => {
  const directory = join(root, 'test/golden/import-apisix/timeouts');
  const inEitherOrder = ['route.json', 'config.yaml'];

  const { code, stdout } = await run(headgate, ['import', 'apisix', ...inEitherOrder], {
    cwd: directory,
  });

  t.is(code, 0);
  t.is(stdout, await readFile(join(directory, 'mirror-route.yaml'), 'utf8'));
});

const two = JSON.stringify([
  { ...JSON.parse(adminRoute()), id: 'good', uri: '/good' },
  { ...JSON.parse(mirroredBy({ host: 'ftp://mirror.example' })), id: 'bad', uri: '/bad' },
]);

test('where something is refused nothing is printed, and the exit code is 1', async (t) => {
  const { code, stdout, stderr } = await importText(two);

  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /^stdin:1: refused: host is not an address such as /m);
  t.regex(stderr, /^headgate: 1 thing was refused; --partial prints the rest$/m);
});

test('--partial prints the rest, and ends with 1 all the same', async (t) => {
  const { code, stdout, stderr } = await importText(two, '--partial');

  t.is(code, 1);
  t.deepEqual(
    documentsIn(stdout).map(({ metadata }) => metadata.name),
    ['good'],
  );
  t.regex(
    stderr,
    /^headgate: 1 thing was refused: their requests find whatever other rule is for them/m,
  );
});

test('where nothing is left, --partial prints nothing', async (t) => {
  for (const output of ['yaml', 'json']) {
    const { stdout } = await importText(mirroredBy({ sample_ratio: 0 }), '--partial', '-o', output);

    t.is(stdout, '');
  }
});

const bad: ReadonlyArray<readonly [what: string, input: string, message: RegExp]> = [
  ['nothing', '', /^stdin:1: refused: there is no route in the given files$/m],
  ['what is no YAML', 'a: [', /^stdin:1: refused: /m],
  [
    'an unknown kind',
    'apiVersion: apisix.apache.org/v2\nkind: Apisix',
    /^stdin:2: refused: "Apisix"/m,
  ],
  ['a path in host', mirroredBy({ host: 'http://a/b' }), /^stdin:1: refused: host has a path/m],
  ['ratio 0', mirroredBy({ sample_ratio: 0 }), /refused: sample_ratio: 0 is not a part/],
  ['ratio 10', mirroredBy({ sample_ratio: 10 }), /refused: sample_ratio: 10 is not a part/],
  ['another plugin', mirroredBy({}, { 'jwt-auth': {} }), /refused: plugin "jwt-auth" cannot be/],
  [
    'a plugin config that is missing',
    adminRoute({ plugin_config_id: 7 }),
    /no plugin_configs\/7 in/,
  ],
  ['a megabyte of text', 'all work and no play '.repeat(50_000), /refused: nothing of APISIX/],
  ['a megabyte of brackets', '['.repeat(1_000_000), /refused: is nested too deeply/],
  ['a megabyte of NULs', '\0'.repeat(1_000_000), /refused: is not UTF-8 text/],
];

for (const [what, input, message] of bad) {
  test(`${what} is refused with file, line and reason, on standard error alone`, async (t) => {
    const { code, stdout, stderr } = await importText(input);

    t.is(code, 1);
    t.is(stdout, '');
    t.regex(stderr, message);
    t.true(stderr.length < 1000);
  });
}

test('what a message quotes cannot pass for another line or move the cursor', async (t) => {
  const { stderr } = await importText(adminRoute({ uri: '/:\u001b[2J\nheadgate: done' }));

  t.false(stderr.includes('\u001b'));
  t.notRegex(stderr, /^headgate: done/m);
});

test('a file that is not there, and a directory, are refused by name', async (t) => {
  const missing = await run(headgate, ['import', 'apisix', '/no/such/file.yaml']);
  const directory = await run(headgate, ['import', 'apisix', root]);

  t.deepEqual([missing.code, directory.code], [1, 1]);
  t.is(missing.stderr, 'headgate: /no/such/file.yaml: does not exist\n');
  t.is(directory.stderr, `headgate: ${root}: is a directory: give its files\n`);
});

for (const args of [[], ['-', '--port', '0'], ['-', '-n', 'Team A'], ['-', '-o', 'toml']]) {
  test(`the command line "${args.join(' ')}" ends with 2`, async (t) => {
    const { code, stdout, stderr } = await run(headgate, ['import', 'apisix', ...args]);

    t.is(code, 2);
    t.is(stdout, '');
    t.regex(stderr, /headgate import apisix --help shows what can be written/);
  });
}

test('docs/cli.md names every option of the command, and its help has examples', async (t) => {
  const page = await readFile(join(root, 'docs/cli.md'), 'utf8');
  const { stdout } = await run(headgate, ['import', 'apisix', '--help']);

  const options = Array.from(stdout.matchAll(/^ {2}(?:-\w, +)?(--[a-z-]+)/gm), ([, name]) => name);
  t.true(options.length >= 5);
  for (const option of options) t.true(page.includes(`\`${option}`), option);
  t.regex(stdout, /Examples:\n {2}\$ headgate import apisix/);
});

test('every example of the page for those who come from APISIX is a file that tests run', async (t) => {
  const page = await readFile(join(root, 'docs/coming-from-apisix.md'), 'utf8');
  const files = importCases().flatMap(({ directory, inputs, mirrorRoute, told }) => [
    ...inputs.map((input) => join(directory, input)),
    ...[mirrorRoute, told],
  ]);
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));

  const blocks = Array.from(page.matchAll(/^```(?:yaml|json)\n(.*?)^```$/gms), ([, text]) => text);

  t.true(blocks.length >= 6);
  for (const block of blocks)
    t.true(
      texts.some((text) => text.includes(block ?? '')),
      block,
    );
});
