import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

/** Programs that `hack/test` puts into `.cache`; without them their tests are skipped and say so. */
const cache = join(import.meta.dirname, '../../.cache');

export const python = join(cache, 'venv/bin/python');
export const goClient = join(cache, 'clients/go-client');
export const pythonScript = join(import.meta.dirname, '../clients/python/client.py');

export const hasPython = existsSync(python);
export const hasGoClient = existsSync(goClient);

/** What a client program prints: one line of JSON. */
export type ClientAnswer = {
  readonly status?: number;
  readonly body?: string;
  readonly connections?: number;
  readonly error?: string;
};

export async function ask(program: string, args: readonly string[]): Promise<ClientAnswer> {
  const { stdout, stderr, code } = await run(program, args);
  if (code !== 0) throw new Error(`${program} exited with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
