import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finished, run } from '../../support/run.ts';

/** Configuration of APISIX as people have it, and what `headgate import apisix` makes of it. */
export type ImportCase = {
  readonly title: string;
  readonly directory: string;
  /** The files given, as they are called in the directory. */
  readonly inputs: readonly string[];
  /** What was printed. */
  readonly mirrorRoute: string;
  /** What was told on standard error. */
  readonly told: string;
};

const headgate = join(import.meta.dirname, '../../../cli/headgate');
const results = ['mirror-route.yaml', 'told.txt'];

export function importCases(): readonly ImportCase[] {
  const directories = globSync('*/', { cwd: import.meta.dirname }).sort();
  return directories.map((title) => {
    const directory = join(import.meta.dirname, title);
    const [mirrorRoute = '', told = ''] = results.map((name) => join(directory, name));
    const files = globSync('*', { cwd: directory }).sort();
    const inputs = files.filter((name) => !results.includes(name));
    return { title, directory, inputs, mirrorRoute, told };
  });
}

export async function runImport({ directory, inputs }: ImportCase): Promise<Finished> {
  return await run(headgate, ['import', 'apisix', ...inputs], { cwd: directory });
}

/** Writes what is printed and told now. Read the difference. */
export async function writeImport(importCase: ImportCase): Promise<void> {
  const { stdout, stderr } = await runImport(importCase);
  writeFileSync(importCase.mirrorRoute, stdout);
  writeFileSync(importCase.told, stderr);
}
