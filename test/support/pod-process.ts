import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from './environment.ts';
import { type Lines, linesOf } from './lines.ts';
import type { Scope } from './teardowns.ts';

export type MountedSecret = {
  readonly directory: string;
  /** Replaces all files at once. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
};

/** A directory whose files change as those of a mounted Secret do: a version each, and a symlink that is swapped. */
export async function mountSecret(t: Scope): Promise<MountedSecret> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-mounted-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const known = new Set<string>();
  let version = 0;
  return {
    directory,
    async write(files) {
      version += 1;
      const folder = `..${version}`;
      await mkdir(join(directory, folder));
      for (const [name, text] of Object.entries(files)) {
        await writeFile(join(directory, folder, name), text);
      }
      await symlink(folder, join(directory, '..new'));
      await rename(join(directory, '..new'), join(directory, '..data'));
      for (const name of Object.keys(files)) {
        if (!known.has(name)) await symlink(join('..data', name), join(directory, name));
        known.add(name);
      }
    },
  };
}

export type PodProcess = {
  readonly stdout: Lines;
  /** Its own log, JSON. */
  readonly stderr: Lines;
  /** `http://127.0.0.1:PORT` */
  readonly admin: string;
  /** The first line of its log with this message, from now on or from a position. */
  logged(message: string, from?: number): Promise<Readonly<Record<string, unknown>>>;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<number | null>;
};

/** The program that pods run, in a process of its own; resolves when its admin address answers. */
export async function startPodProcess(
  t: Scope,
  env: Readonly<Record<string, string>>,
): Promise<PodProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../dataplane/main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment({ HEADGATE_ADMIN: '127.0.0.1:0', ...env }),
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const [stdout, stderr] = [linesOf(child.stdout), linesOf(child.stderr)];
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
    if (!t.passed) t.log(`the pod said:\n${stderr.all.join('\n')}`);
  });

  async function logged(message: string, from = 0) {
    const line = await stderr.next((text) => text.includes(`"message":"${message}"`), from);
    return JSON.parse(line);
  }

  const { admin } = await logged('started');
  return {
    stdout,
    stderr,
    admin: `http://${admin.host}:${admin.port}`,
    logged,
    signal: (name) => child.kill(name),
    exited,
  };
}
