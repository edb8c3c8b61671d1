import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  makeDirectory,
  names,
  openDirectory,
  portOf,
  proxy,
} from '../../test/support/directory-source.ts';

test('a directory given twice, and one inside another, is read once', async (t) => {
  const directory = await makeDirectory(t, {});
  await mkdir(join(directory, 'below'));
  await writeFile(join(directory, 'below/a.yaml'), proxy('one'));
  await symlink('..', join(directory, 'below/circle'));

  const { until } = await openDirectory(t, [directory, join(directory, 'below'), directory]);

  t.deepEqual(await until('synced'), ['one', 'synced']);
});

test('a directory that vanishes takes nothing with it, and is seen when it returns', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': proxy('one', 1) });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await rename(directory, `${directory}-away`);
  await until('problem wanted');
  t.deepEqual(names(source), ['one']);

  await writeFile(join(`${directory}-away`, 'a.yaml'), proxy('one', 2));
  await rename(`${directory}-away`, directory);
  await until('one');
  t.is(portOf(source, 'one'), 2);
});

test('a ConfigMap is swapped by its link, as the kubelet does it', async (t) => {
  const directory = await makeDirectory(t, {});
  await mkdir(join(directory, '..v1'));
  await mkdir(join(directory, '..v2'));
  await writeFile(join(directory, '..v1/a.yaml'), proxy('one', 1));
  await writeFile(join(directory, '..v2/a.yaml'), proxy('one', 2));
  await symlink('..v1', join(directory, '..data'));
  await symlink('..data/a.yaml', join(directory, 'a.yaml'));
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await symlink('..v2', join(directory, '..new'));
  await rename(join(directory, '..new'), join(directory, '..data'));
  await until('one');

  t.is(portOf(source, 'one'), 2);
});

test('a file behind a link is watched where it lies', async (t) => {
  const directory = await makeDirectory(t, {});
  const elsewhere = join(directory, '../elsewhere.yaml');
  await writeFile(elsewhere, proxy('one', 1));
  await symlink(elsewhere, join(directory, 'a.yaml'));
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await writeFile(elsewhere, proxy('one', 2));
  await until('one');

  t.is(portOf(source, 'one'), 2);
});

test('a directory made later is watched too', async (t) => {
  const directory = await makeDirectory(t, { 'a.yaml': proxy('one') });
  const { source, until } = await openDirectory(t, directory);
  await until('synced');

  await mkdir(join(directory, 'v1.2/deep'), { recursive: true });
  await writeFile(join(directory, 'v1.2/deep/b.yaml'), proxy('two', 1));
  await until('two');
  await writeFile(join(directory, 'v1.2/deep/b.yaml'), proxy('two', 2));
  await until('two');

  t.is(portOf(source, 'two'), 2);
});

test('a single file may be given', async (t) => {
  const directory = await makeDirectory(t, { 'a.conf': proxy('one', 1), 'b.yaml': proxy('two') });
  const { source, until } = await openDirectory(t, join(directory, 'a.conf'));
  t.deepEqual(await until('synced'), ['one', 'synced']);

  await writeFile(join(directory, 'a.conf'), proxy('one', 2));
  await until('one');

  t.is(portOf(source, 'one'), 2);
});

test('a directory that is not there is refused at the start', async (t) => {
  const directory = await makeDirectory(t, {});

  await t.throwsAsync(openDirectory(t, join(directory, 'nothing')), {
    message: /nothing does not exist$/,
  });
});
