import { join } from 'node:path';
import { run } from '../support/run.ts';
import { createScope, type Scope } from '../support/teardowns.ts';
import type { LoadOptions, LoadResult } from './load-result.ts';
import type { RunningProxy } from './peer.ts';
import { cpuMicros, residentMegabytes } from './process-usage.ts';

/** How much is asked of every proxy. */
export type Effort = { readonly clients: number; readonly seconds: number };

export type Load = Pick<LoadOptions, 'request' | 'tunnelTo' | 'keeps'>;

export type Figures = LoadResult & {
  readonly cpuMicros: number;
  readonly residentMegabytes: number;
};

/** Connections and caches are there and code is compiled before anything is measured. */
export async function warmUp({ port }: RunningProxy, load: Load, effort: Effort): Promise<void> {
  await generate({ port, ...load, ...effort, seconds: Math.min(2, effort.seconds) });
}

export async function measure(
  { port, pid }: RunningProxy,
  load: Load,
  effort: Effort,
): Promise<Figures> {
  const beforeMicros = cpuMicros(pid);
  const result = await generate({ port, ...load, ...effort });
  return {
    ...result,
    cpuMicros: cpuMicros(pid) - beforeMicros,
    residentMegabytes: residentMegabytes(pid),
  };
}

async function generate(options: LoadOptions): Promise<LoadResult> {
  const { stdout, stderr, code } = await run(process.execPath, [
    join(import.meta.dirname, 'load.ts'),
    JSON.stringify(options),
  ]);
  if (code !== 0) throw new Error(`the load generator failed: ${stderr}`);
  return JSON.parse(stdout);
}

/** Whatever is started in it has ended afterwards, also when something fails. */
export async function inScope<Result>(work: (scope: Scope) => Promise<Result>): Promise<Result> {
  const scope = createScope();
  try {
    return await work(scope);
  } finally {
    await scope.close();
  }
}

/** How far it has come, to whoever waits. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
