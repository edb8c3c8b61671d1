import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { copyProductionPackages } from '../production-packages.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Where the image has the program, as the Dockerfile has it. */
export const app = 'app';
const nodeInImage = 'app/node_modules/node/bin/node';

/** Users, name service, trusted certificates, and the shared libraries of `programs`. */
export async function putSystem(directory: string, programs: readonly string[]): Promise<void> {
  const etc = join(directory, 'etc');
  await mkdir(join(etc, 'ssl/certs'), { recursive: true });
  await mkdir(join(directory, 'tmp'));
  await chmod(join(directory, 'tmp'), 0o1777);
  await writeFile(
    join(etc, 'passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  );
  await writeFile(join(etc, 'group'), 'root:x:0:\nnonroot:x:65532:\n');
  await writeFile(join(etc, 'nsswitch.conf'), 'hosts: files dns\n');
  const trusted = '/etc/ssl/certs/ca-certificates.crt';
  await copyFile(trusted, join(directory, trusted)).catch(ignoreMissing);
  await putLibraries(directory, programs);
}

/** Copies programs into /usr/bin, and the libraries they load. */
export async function putPrograms(directory: string, programs: readonly string[]): Promise<void> {
  const bin = join(directory, 'usr/bin');
  await mkdir(bin, { recursive: true });
  for (const program of programs) {
    await copyFile(await realpath(program), join(bin, basename(program)));
  }
  await symlink('usr/bin', join(directory, 'bin'));
  await putLibraries(directory, programs);
}

async function putLibraries(directory: string, programs: readonly string[]): Promise<void> {
  for (const library of await librariesOf(programs)) {
    const target = join(directory, library);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(library), target);
  }
}

/** Paths that `ldd` names. A static program has none, and makes ldd fail. */
export async function librariesOf(programs: readonly string[]): Promise<readonly string[]> {
  const listings = await Promise.all(
    programs.map((program) => execute('ldd', [program]).catch(() => ({ stdout: '' }))),
  );
  const paths = listings.flatMap(({ stdout }) => stdout.match(/\/\S+(?= \(0x)/g) ?? []);
  return [...new Set(paths)].sort();
}

/** The npm package `node`: nothing but the binary. */
export async function putNode(directory: string): Promise<void> {
  const target = join(directory, nodeInImage);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(join(root, 'node_modules/node/bin/node'), target);
}

export async function putPackages(directory: string): Promise<void> {
  await copyProductionPackages(join(directory, app), (name) => name !== 'node');
}

export async function putFile(directory: string, file: string): Promise<void> {
  await copyFile(await realpath(file), join(directory, basename(file)));
  await chmod(join(directory, basename(file)), 0o755);
}

/** What changes when packages are installed anew. */
export async function packagesKey(): Promise<string> {
  return await readFile(join(root, 'node_modules/.package-lock.json'), 'utf8');
}

/** Where a program of this machine lies. */
export function programFile(program: string): string {
  const files = ['/usr/bin', '/bin', '/usr/sbin'].map((folder) => join(folder, program));
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`no ${program} on this machine`);
  return found;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
