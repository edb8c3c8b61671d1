import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from '../support/environment.ts';
import { isOpen } from '../support/ports.ts';
import type { Scope } from '../support/teardowns.ts';

export type RunningProxy = { readonly port: number; readonly pid: number };

/** A proxy to measure. None of them writes an access log or caches while it is measured. */
export type Peer = {
  readonly name: string;
  /** Why it cannot be measured here, after trying to install it; `null` if it can. */
  whyMissing(): string | null;
  version(): string;
};

export type Missing = readonly (readonly [peer: string, why: string])[];

/** Those of `peers` that can be measured, of the names in `only` or all, and why the others cannot. */
export function choose<P extends Peer>(
  peers: readonly P[],
  only: readonly string[] | undefined,
): { readonly present: readonly P[]; readonly missing: Missing } {
  const present: P[] = [];
  const missing: (readonly [string, string])[] = [];
  for (const peer of peers) {
    if (!(only?.includes(peer.name) ?? true)) continue;
    const why = peer.whyMissing();
    if (why === null) present.push(peer);
    else missing.push([peer.name, why]);
  }
  return { present, missing };
}

export const headgateVersion = () => firstLine('git', 'describe', '--always', '--dirty');

export const firstLine = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0] ?? '';

export async function temporaryDirectory(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
  // A peer that gives up root still has to write here.
  await chmod(directory, 0o777);
  scope.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export type Program = {
  readonly port: number;
  readonly command: readonly [program: string, ...args: readonly string[]];
  /** A master that is killed leaves its workers behind. */
  readonly endedBy?: 'SIGKILL' | 'SIGTERM';
};

/** Starts a proxy and waits until it listens. */
export async function startProgram(
  scope: Scope,
  { port, command: [program, ...args], endedBy = 'SIGKILL' }: Program,
): Promise<RunningProxy> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: childEnvironment(),
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  scope.teardown(async () => {
    child.kill(endedBy);
    await exited;
  });
  await untilItListens(child, port);
  return { port, pid: child.pid ?? 0 };
}

async function untilItListens(child: ChildProcess, port: number): Promise<void> {
  while (!(await isOpen(port))) {
    const ending = child.exitCode ?? child.signalCode;
    if (ending !== null) throw new Error(`${child.spawnfile} ended with ${ending}`);
  }
}
