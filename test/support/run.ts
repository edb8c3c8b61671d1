import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { childEnvironment } from './environment.ts';

export type Finished = {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunOptions = {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
};

/** Runs a program to its end. A program that is not there is an error; one that fails is an answer. */
export async function run(
  program: string,
  args: readonly string[],
  { input = '', env = {}, cwd }: RunOptions = {},
): Promise<Finished> {
  const child = spawn(program, args, {
    env: childEnvironment(env),
    ...(cwd === undefined ? {} : { cwd }),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A program that does not read its input is no failure of ours.
  child.stdin.once('error', () => undefined);
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    ended,
  ]);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}
