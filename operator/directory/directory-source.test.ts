import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import {
  makeDirectory,
  names,
  openDirectory,
  portOf,
  proxy,
  secret,
} from '../../test/support/directory-source.ts';

test('the first listing names everything once and says that it is whole', async (t) => {
  const directory = await makeDirectory(t, {
    'a.yaml': `${proxy('one')}---\n${proxy('two')}`,
    'b.yml': secret('x'),
    'c.json': JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'json' } }),
    '.hidden.yaml': proxy('hidden'),
    'a.yaml~': proxy('backup'),
    'notes.txt': 'nothing',
  });
  await mkdir(join(directory, 'below/.git'), { recursive: true });
  await writeFile(join(directory, 'below/d.yaml'), proxy('three'));
  await writeFile(join(directory, 'below/.git/e.yaml'), proxy('four'));

  const { source, until } = await openDirectory(t, directory);

  t.deepEqual(await until('synced'), [
    'one',
    'two',
    'secret users',
    'three',
    'secret json',
    'synced',
  ]);
  t.deepEqual(names(source), ['one', 'two', 'three']);
  t.true(source.list().complete);
  t.deepEqual(await source.readSecret('default', 'users'), { found: true, fields: { auth: 'x' } });
  t.like(await source.readSecret('default', 'nobody'), { found: false });
});

test('an edit is seen, also one that replaces the file', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': proxy('one', 1) });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), proxy('one', 2));
  await until('one');
  const edited = portOf(source, 'one');
  await writeFile(join(directory, '.new'), proxy('one', 3));
  await rename(join(directory, '.new'), join(directory, 'a.yaml'));
  await until('one');

  t.deepEqual([edited, portOf(source, 'one')], [2, 3]);
});

test('a comment changes nothing', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': proxy('one') });
  const { until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), `# so\n${proxy('one')}---\n${proxy('two')}`);

  t.deepEqual(await until('two'), ['two']);
});

test('a rotated Secret is told', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': secret('old') });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), secret('new'));
  await until('secret users');

  t.like(await source.readSecret('default', 'users'), { fields: { auth: 'new' } });
});

test('a ReferenceGrant that comes, changes and goes is told, with its namespace', async (t) => {
  const directory = await makeDirectory(t, { 'proxy.yaml': proxy('one') });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');
  const services = { from: 'team-a', namespace: 'team-b', name: 'shop' };
  const reference = { kind: 'MirrorRoute', ...services } as const;
  const grant = (to: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: routes, namespace: team-b}
spec:
  from: [{group: headgate.dev, kind: MirrorRoute, namespace: team-a}]
  to: [{group: "", kind: Service, name: ${to}}]
`;
  const file = join(directory, 'grant.yaml');

  await writeFile(file, grant('shop'));
  await until('grants team-b');
  t.is(await source.refuseReference(reference), null);
  await writeFile(file, grant('cart'));
  await until('grants team-b');
  t.like(await source.refuseReference(reference), { denied: true });
  await writeFile(file, grant('shop'));
  await until('grants team-b');
  await rm(file);
  await until('grants team-b');
  t.like(await source.refuseReference(reference), { denied: true });
});

test('a truncated save removes nothing', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': `${proxy('one', 1)}---\n${proxy('two')}` });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), proxy('one', 2));
  await until('one');
  const meanwhile = names(source);
  await writeFile(join(directory, 'a.yaml'), `${proxy('one', 3)}---\n${proxy('two')}`);
  await until('one');

  t.deepEqual(meanwhile, ['one', 'two']);
  t.deepEqual(names(source), ['one', 'two']);
});

test('a file that gets one name after the other takes nothing with it', async (t) => {
  const directory = await makeDirectory(t, { '0.yaml': proxy('one'), 'two.yaml': proxy('two') });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  // For longer than it takes to believe that something is missing.
  for (let name = 0; name < 50; name += 1) {
    await rename(join(directory, `${name}.yaml`), join(directory, `${name + 1}.yaml`));
    await setTimeout(10);
  }
  await writeFile(join(directory, 'two.yaml'), proxy('two', 3129));

  t.deepEqual(await until('two'), ['two']);
  t.is(source.list().keys.length, 2);
});

test('a document that stays away is removed, and a file that is deleted', async (t) => {
  const directory = await makeDirectory(t, {
    'a.yaml': `${proxy('one')}---\n${proxy('two')}`,
    'b.yaml': proxy('three'),
  });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), proxy('one'));
  await until('two');
  t.deepEqual(names(source), ['one', 'three']);

  await rm(join(directory, 'b.yaml'));
  await until('three');
  t.deepEqual(names(source), ['one']);
  t.is(source.read({ kind: 'ForwardProxy', namespace: 'default', name: 'three' }), null);
});

test('while a file is broken nothing is removed, and additions go on', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': proxy('one'), 'b.yaml': proxy('two') });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), 'spec: [\n');
  await until('problem a.yaml:2');
  await rm(join(directory, 'b.yaml'));
  await writeFile(join(directory, 'c.yaml'), proxy('three'));
  await until('three');
  t.deepEqual(source.list(), { keys: source.list().keys, complete: false });
  t.deepEqual(names(source).sort(), ['one', 'three', 'two']);

  await writeFile(join(directory, 'a.yaml'), proxy('one'));
  t.deepEqual(await until('two'), ['problemSolved a.yaml:2', 'synced', 'two']);
  t.deepEqual(names(source).sort(), ['one', 'three']);
  t.true(source.list().complete);
});

test('a resource that is invalid disturbs no neighbour', async (t) => {
  const directory = await makeDirectory(t, {
    'a.yaml': `${proxy('one', 1)}---\n${proxy('two', 2)}`,
  });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(join(directory, 'a.yaml'), `${proxy('one', 70_000)}---\n${proxy('two', 3)}`);
  t.deepEqual(await until('two'), ['one', 'two']);

  t.like(source.read({ kind: 'ForwardProxy', namespace: 'default', name: 'one' }), {
    valid: false,
    problems: [
      {
        file: join(directory, 'a.yaml'),
        line: 5,
        field: 'spec.listeners[0].port',
        message: '70000 is too big: 65535 is the most',
      },
    ],
  });
  t.is(portOf(source, 'two'), 3);
  t.true(source.list().complete);
});

const strange: Readonly<Record<string, (directory: string) => Promise<unknown> | unknown>> = {
  'a file too large': async (directory) => {
    await writeFile(join(directory, 'x.yaml'), '');
    await truncate(join(directory, 'x.yaml'), 1_048_577);
  },
  'a pipe': (directory) => execFileSync('mkfifo', [join(directory, 'x.yaml')]),
  'a link that leads nowhere': (directory) => symlink('nowhere', join(directory, 'x.yaml')),
  'a link to itself': (directory) => symlink('x.yaml', join(directory, 'x.yaml')),
  'a misspelt kind': (directory) =>
    writeFile(join(directory, 'x.yaml'), proxy('x').replace('ForwardProxy', 'ForwardProxi')),
};

for (const [title, make] of Object.entries(strange)) {
  test(`what cannot be understood may hold anything: ${title}`, async (t) => {
    const directory = await makeDirectory(t, { 'a.yaml': proxy('one') });
    await make(directory);

    const { source, until } = await openDirectory(t, directory);

    const seen = await until('synced');
    t.true(seen.includes('one'));
    t.true(seen.some((change) => /^problem x\.yaml(:|$)/.test(change)));
    t.false(source.list().complete);
  });
}

test('an object of another system is told and otherwise let be', async (t) => {
  const directory = await makeDirectory(t, {
    'a.yaml': `${proxy('one')}---\napiVersion: apps/v1\nkind: Deployment\n`,
  });

  const { source, until } = await openDirectory(t, directory);

  t.true((await until('synced')).includes('problem a.yaml:8'));
  t.true(source.list().complete);
});

test('a name written twice is served from the first file', async (t) => {
  const directory = await makeDirectory(t, {
    'a.yaml': proxy('one', 1),
    'b.yaml': proxy('one', 2),
  });

  const { source, until } = await openDirectory(t, directory);

  t.deepEqual(await until('synced'), ['one', 'problem b.yaml:3', 'synced']);
  t.is(portOf(source, 'one'), 1);
});

test('changes end with the signal, and with the source', async (t) => {
  const directory = await makeDirectory(t, {});
  const byDisposal = await openDirectory(t, directory);
  const bySignal = await openDirectory(t, directory);
  await byDisposal.until('synced');
  await bySignal.until('synced');

  const ends = [byDisposal.changes.next(), bySignal.changes.next()];
  await byDisposal.source[Symbol.asyncDispose]();
  bySignal.stop.abort();

  for (const end of await Promise.all(ends)) t.true(end.done);
});
