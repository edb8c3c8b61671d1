import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { childEnvironment } from '../support/environment.ts';
import { linesOf } from '../support/lines.ts';
import type { Scope } from '../support/teardowns.ts';

/** An origin, a backend or a mirror, in a process of its own. */
export type Counting = {
  readonly port: number;
  /** How many requests it has had so far. */
  received(): Promise<number>;
};

/** One that answers at once, with ten bytes or what is given. */
export async function startOrigin(scope: Scope, ...body: readonly string[]): Promise<Counting> {
  const { port, lines, stdin } = await startServer(scope, 'origin.ts', ...body);
  return {
    port,
    async received() {
      const from = lines.all.length;
      stdin.write('\n');
      return Number(await lines.next(() => true, from));
    },
  };
}

/** Runs a program of this folder that prints the port it listens on. */
export async function startServer(scope: Scope, program: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: childEnvironment(),
  });
  scope.teardown(() => child.kill());
  const lines = linesOf(child.stdout);
  const port = Number(await lines.next(() => true));
  return { port, lines, stdin: child.stdin };
}
