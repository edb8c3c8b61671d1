import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { childEnvironment } from './environment.ts';
import { type Lines, linesOf } from './lines.ts';
import { freePort } from './ports.ts';
import type { Scope } from './teardowns.ts';

export type NatsServer = {
  readonly url: string;
  readonly port: number;
  /** Where it keeps its streams. */
  readonly storeDirectory: string;
  /** Read at each start. */
  readonly configFile: string;
  /** `kill -9`: what it had not written is lost. */
  kill(): Promise<void>;
  /** After `kill`: the same port, the same streams. */
  start(): Promise<void>;
  /** Reads its configuration and certificates anew, and goes on serving. */
  reload(): Promise<void>;
};

/** Where the server of a test may listen, and keep what it keeps. */
export type NatsPlace = {
  readonly port: number;
  readonly directory: string;
  readonly storeDirectory: string;
};

/**
 * A nats-server of its own for one test, with JetStream, on loopback; gone with the test. `config`
 * is added to a minimal configuration, or makes all of it.
 */
export async function startNatsServer(
  t: Scope,
  config: string | ((place: NatsPlace) => string) = '',
): Promise<NatsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-nats-'));
  const storeDirectory = join(directory, 'store');
  const port = await freePort();
  const configFile = join(directory, 'nats.conf');
  await writeFile(
    configFile,
    typeof config === 'string'
      ? `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${storeDirectory}", sync_interval: always }\n${config}\n`
      : config({ port, directory, storeDirectory }),
  );
  let running: ChildProcess | null = null;
  let output: Lines | null = null;

  async function start(): Promise<void> {
    running = spawn(findNatsServer(), ['--config', configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (running.stderr === null) throw new Error('nats-server has no stderr');
    output = linesOf(running.stderr);
    await output.next((line) => line.includes('Server is ready'));
  }

  async function reload(): Promise<void> {
    const from = output?.all.length ?? 0;
    running?.kill('SIGHUP');
    await output?.next((line) => line.includes('Reloaded server configuration'), from);
  }

  async function kill(): Promise<void> {
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  t.teardown(async () => {
    await kill();
    await rm(directory, { recursive: true, force: true });
  });
  await start();
  return { url: `nats://127.0.0.1:${port}`, port, storeDirectory, configFile, kill, start, reload };
}

/** `HEADGATE_NATS_SERVER`, or one on PATH, or the one that `hack/test` installs. */
function findNatsServer(): string {
  const environment = childEnvironment();
  const named = environment['HEADGATE_NATS_SERVER'];
  if (named !== undefined && named !== '') return named;
  const installed = join(import.meta.dirname, '../../.cache/nats-server');
  const folders = [...(environment['PATH'] ?? '').split(delimiter), installed];
  const found = folders
    .map((folder) => join(folder, 'nats-server'))
    .find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new Error('no nats-server: run hack/test once, or set HEADGATE_NATS_SERVER');
}
