import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../../hack/build.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '../..');

/** Puts the package into `home/node_modules` as `npm pack` makes it, with what it depends on beside it. */
export async function installPackage(home: string): Promise<void> {
  const packed = join(home, 'packed');
  await mkdir(packed);
  build(join(packed, 'dist'), '--noCheck');
  for (const file of ['package.json', 'cli/headgate']) {
    await cp(join(root, file), join(packed, file));
  }
  await run('npm', ['pack', '--offline', '--ignore-scripts', '--pack-destination', home], {
    cwd: packed,
  });
  await rm(packed, { recursive: true });

  const modules = join(home, 'node_modules');
  const ours = join(modules, 'headgate');
  await mkdir(ours, { recursive: true });
  const [archive = ''] = (await readdir(home)).filter((file) => file.endsWith('.tgz'));
  await run('tar', ['-xzf', join(home, archive), '-C', ours, '--strip-components=1']);
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) {
      await symlink(join(root, 'node_modules', name), join(modules, name));
    }
  }
}
