import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardProxy } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { freePort } from '../support/ports.ts';
import type { Scope } from '../support/teardowns.ts';

export type RunningProxy = { readonly port: number; readonly pid: number };

/** A proxy to measure. None of them writes an access log or caches while it is measured. */
export type Peer = {
  readonly name: string;
  version(): string;
  start(scope: Scope): Promise<RunningProxy>;
};

export const peers: readonly Peer[] = [headgate(1), headgate(2), squid(), tinyproxy()];

function headgate(workers: number): Peer {
  return {
    name: workers === 1 ? 'headgate' : `headgate --workers ${workers}`,
    version: () => firstLine('git', 'describe', '--always', '--dirty'),
    async start(scope) {
      const spec = { accessLog: { enabled: false } };
      const resources = ([port = 0]: readonly number[]) => forwardProxy({ port, spec });
      return await startHeadgate(scope, { workers, resources });
    },
  };
}

function squid(): Peer {
  return {
    name: 'squid',
    version: () => firstLine('squid', '--version').replace(/^.*Version /, ''),
    async start(scope) {
      const port = await freePort();
      const directory = await temporaryDirectory(scope);
      const config = join(directory, 'squid.conf');
      await writeFile(
        config,
        [
          `http_port 127.0.0.1:${port}`,
          'http_access allow all',
          'cache deny all',
          'cache_mem 0 MB',
          'access_log none',
          `cache_log ${join(directory, 'cache.log')}`,
          'pid_filename none',
          'netdb_filename none',
          'shutdown_lifetime 0 seconds',
          '',
        ].join('\n'),
      );
      return await startProgram(scope, port, 'squid', '-N', '-f', config);
    },
  };
}

function tinyproxy(): Peer {
  return {
    name: 'tinyproxy',
    version: () => firstLine('tinyproxy', '-v').replace(/^tinyproxy /, ''),
    async start(scope) {
      const port = await freePort();
      const config = join(await temporaryDirectory(scope), 'tinyproxy.conf');
      const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'MaxClients 500', 'LogLevel Critical', ''];
      await writeFile(config, lines.join('\n'));
      return await startProgram(scope, port, 'tinyproxy', '-d', '-c', config);
    },
  };
}

/** Why this peer cannot be measured here, after trying to install it; `null` if it can. */
export function whyMissing({ name }: Peer): string | null {
  if (name.startsWith('headgate') || has(name)) return null;
  if (process.getuid?.() !== 0 || !has('apt-get')) return `apt-get install ${name}, then again`;
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    const install = ['install', '-y', '-qq', '--no-install-recommends', name];
    execFileSync('apt-get', install, { stdio: 'ignore' });
  } catch {
    return `apt-get install ${name} failed`;
  }
  return has(name) ? null : `apt-get install ${name} brought no ${name}`;
}

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const firstLine = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0] ?? '';

async function temporaryDirectory(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
  // squid gives up root and then writes its log here.
  await chmod(directory, 0o777);
  scope.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function startProgram(
  scope: Scope,
  port: number,
  program: string,
  ...args: readonly string[]
): Promise<RunningProxy> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  scope.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await untilItListens(child, port);
  return { port, pid: child.pid ?? 0 };
}

async function untilItListens(child: ChildProcess, port: number): Promise<void> {
  while (!(await answers(port))) {
    const ending = child.exitCode ?? child.signalCode;
    if (ending !== null) throw new Error(`${child.spawnfile} ended with ${ending}`);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
