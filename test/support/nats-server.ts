import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { childEnvironment } from './environment.ts';
import { linesOf } from './lines.ts';
import { freePort } from './ports.ts';

export type NatsServer = {
  readonly url: string;
  readonly port: number;
  /** Where it keeps its streams. */
  readonly storeDirectory: string;
  /** `kill -9`: what it had not written is lost. */
  kill(): Promise<void>;
  /** After `kill`: the same port, the same streams. */
  start(): Promise<void>;
};

/** A nats-server of its own for one test, with JetStream, on loopback; gone with the test. */
export async function startNatsServer(t: ExecutionContext, moreConfig = ''): Promise<NatsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-nats-'));
  const storeDirectory = join(directory, 'store');
  const port = await freePort();
  const config = join(directory, 'nats.conf');
  await writeFile(
    config,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${storeDirectory}", sync_interval: always }\n${moreConfig}\n`,
  );
  let running: ChildProcess | null = null;

  async function start(): Promise<void> {
    running = spawn(findNatsServer(), ['--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (running.stderr === null) throw new Error('nats-server has no stderr');
    await linesOf(running.stderr).next((line) => line.includes('Server is ready'));
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
  return { url: `nats://127.0.0.1:${port}`, port, storeDirectory, kill, start };
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
