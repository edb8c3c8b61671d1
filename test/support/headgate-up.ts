import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { childEnvironment, testWorkers } from './environment.ts';
import { type Lines, linesOf } from './lines.ts';
import { freePorts } from './ports.ts';
import { type Finished, run } from './run.ts';
import type { Scope } from './teardowns.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');
const portTries = 5;

export type HeadgateUpOptions = {
  /** The YAML to serve, made from free ports. Must differ in nothing but the ports from call to call. */
  readonly resources: (ports: readonly number[]) => string;
  /** How many free ports `resources` wants; default 1. */
  readonly ports?: number;
  readonly workers?: number;
  /** Start even where a port is taken, for tests of just that; otherwise other ports are tried. */
  readonly acceptsTakenPorts?: boolean;
  /** More arguments of `headgate up`: `--dns-server 127.0.0.1:5353`, … */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Use this directory (files, data) instead of a new one: a restart. It is then the caller's to remove. */
  readonly home?: string;
  /** Another `headgate` than that of the checkout: one that was built. */
  readonly program?: string;
};

export type HeadgateUp = {
  readonly ports: readonly number[];
  /** The first of them. */
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly admin: string;
  readonly pid: number;
  /** Holds `resources/` and `data/`. */
  readonly home: string;
  readonly directory: string;
  readonly data: string;
  readonly stdout: Lines;
  readonly stderr: Lines;
  /** Replaces the served YAML in one step and waits until all of it is `Programmed`; answers the line that says so. */
  apply(yaml: string, resource?: string): Promise<string>;
  /** Replaces the YAML (or one more file of the directory) and waits for nothing. */
  write(yaml: string, file?: string): Promise<void>;
  /** The next access-log line that matches, at or after line `from` of stdout. */
  accessLog(
    matches: (entry: Record<string, unknown>) => boolean,
    from?: number,
  ): Promise<Record<string, unknown>>;
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
  /** Runs `headgate ARGS… --data <data>`. */
  cli(...args: string[]): Promise<Finished>;
  /** Ends the process and waits for it. Called by itself when the test ends. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

/** Starts the real `headgate up` in a process and directory of its own, and waits until it says `ready`. */
export async function startHeadgate(t: Scope, options: HeadgateUpOptions): Promise<HeadgateUp> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'headgate-test-')));
  if (options.home === undefined) {
    t.teardown(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
  }
  for (let attempt = 1; ; attempt += 1) {
    const up = await launch(t, home, options);
    const outcome = await becameReady(up, options.acceptsTakenPorts ?? false);
    if (outcome === 'ready') return up;
    await up.stop('SIGKILL');
    const portWasTaken = /PortUnavailable|EADDRINUSE/.test(outcome);
    if (!portWasTaken || attempt === portTries) throw new Error(`headgate up:\n${outcome}`);
    if (options.home === undefined) await rm(join(home, 'data'), { recursive: true, force: true });
  }
}

async function launch(t: Scope, home: string, options: HeadgateUpOptions): Promise<HeadgateUp> {
  const directory = join(home, 'resources');
  const data = join(home, 'data');
  await mkdir(directory, { recursive: true });

  const [adminPort = 0, ...ports] = await freePorts(1 + (options.ports ?? 1));
  const write = (yaml: string, file = 'resources.yaml') =>
    replaceFile(home, join(directory, file), yaml);
  await write(options.resources(ports));

  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    options.program ?? headgate,
    [
      ...['up', '-f', directory, '--data', data],
      ...['--admin', `127.0.0.1:${adminPort}`, '--workers', String(options.workers ?? testWorkers)],
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: childEnvironment(options.env), cwd: home },
  );
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    },
  );
  const stdout = linesOf(child.stdout);
  const stderr = linesOf(child.stderr);
  const admin = `http://127.0.0.1:${adminPort}`;

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return await exited;
  };
  t.teardown(async () => {
    await stop('SIGKILL');
    if (!t.passed) t.log(`headgate up printed:\n${transcript({ stdout, stderr })}`);
  });

  return {
    ports,
    port: ports[0] ?? 0,
    admin,
    pid: child.pid ?? 0,
    home,
    directory,
    data,
    stdout,
    stderr,
    write,
    async apply(yaml, resource = '') {
      const from = stdout.all.length;
      await write(yaml);
      const line = await stdout.next(
        (candidate) => isResourceLine(candidate) && candidate.includes(resource),
        from,
      );
      if (!isAsWanted(line)) throw new Error(`not programmed: ${line}`);
      return line;
    },
    async accessLog(matches, from = 0) {
      const line = await stdout.next(
        (candidate) => isAccessLogLine(candidate) && matches(JSON.parse(candidate)),
        from,
      );
      return JSON.parse(line);
    },
    async metrics() {
      const response = await fetch(`${admin}/metrics`);
      return await response.text();
    },
    cli: (...args) => run(headgate, [...args, '--data', data], { cwd: home }),
    stop,
    exited,
  };
}

/** `'ready'`, or what was printed instead of it. */
async function becameReady(up: HeadgateUp, acceptsTakenPorts: boolean): Promise<string> {
  const ready = await up.stdout.next((line) => line === 'ready').catch(() => null);
  const portWasTaken =
    !acceptsTakenPorts && up.stdout.all.some((line) => line.includes('PortUnavailable'));
  return ready === null || portWasTaken ? transcript(up) : 'ready';
}

/** As an editor that is careful does it: no reader ever sees half a file. */
async function replaceFile(home: string, file: string, text: string): Promise<void> {
  const fresh = join(home, `.fresh-${process.pid}`);
  await writeFile(fresh, text);
  await rename(fresh, file);
}

const isAccessLogLine = (line: string) => line.startsWith('{');
const isResourceLine = (line: string) =>
  /^\w+\/\S+ (Programmed|refused|failed|stalled|removed)\b/.test(line);
const isAsWanted = (line: string) => / (Programmed: |removed$)/.test(line);

const transcript = ({ stdout, stderr }: { readonly stdout: Lines; readonly stderr: Lines }) =>
  [...stdout.all, ...stderr.all].join('\n');
