import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const installed = join(root, 'node_modules');

/** Copies into `out/node_modules` what runs need: no packages of development, no types, no source maps. */
export async function copyProductionPackages(
  out: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<void> {
  for (const name of await productionPackages()) {
    if (!isWanted(name) || name.startsWith('@types/')) continue;
    const source = join(installed, name);
    await cp(source, join(out, 'node_modules', name), {
      recursive: true,
      filter: (file) => isRun(relative(source, file)),
    });
  }
}

/** Nested packages are listed by themselves. */
function isRun(path: string): boolean {
  const isNested = path.split('/').includes('node_modules');
  return !isNested && !/\.d\.[cm]?ts$|\.map$/.test(path);
}

async function productionPackages(): Promise<readonly string[]> {
  const list = ['ls', '--omit=dev', '--all', '--parseable'];
  const { stdout } = await promisify(execFile)('npm', list, { cwd: root });
  const paths = stdout.split('\n').filter((path) => path.startsWith(`${installed}/`));
  return paths.map((path) => relative(installed, path));
}
