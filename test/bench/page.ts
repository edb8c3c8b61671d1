import { readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import type { Effort } from './measure.ts';
import type { Missing } from './peer.ts';

/** What a reader has to know about a run before anything else. */
export type Circumstances = Effort & {
  readonly date: string;
  /** Of the machine, before anything was started: other work makes every figure worse. */
  readonly loadBefore: number;
  readonly versions: readonly (readonly [peer: string, version: string])[];
  readonly missing: Missing;
};

export function circumstances(run: Circumstances): readonly string[] {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `- ${run.date}, ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memory} GB, Linux ${release()}, Node ${process.version}`,
    `- ${run.clients} clients, ${run.seconds} s for each figure after a warm-up; load average before: ${run.loadBefore.toFixed(1)}`,
    ...run.versions.map(([peer, version]) => `- ${peer}: ${version}`),
    ...run.missing.map(([peer, why]) => `- ${peer}: not measured (${why})`),
  ];
}

/** Columns of text first, then of numbers. */
export function table(
  text: readonly string[],
  numbers: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = [...text.map(() => '---'), ...numbers.map(() => '---:')];
  return [[...text, ...numbers], rule, ...rows].map(line);
}

/** Puts tables between the marks of a page that people write. */
export async function writeBetweenMarks(file: string, tables: string): Promise<void> {
  const page = await readFile(file, 'utf8');
  const [before, rest] = page.split(/(?<=<!-- measured -->\n)/);
  const end = rest?.indexOf('<!-- end -->') ?? -1;
  if (rest === undefined || end === -1) throw new Error(`${file} has no marks for the tables`);
  await writeFile(file, `${before}\n${tables}\n${rest.slice(end)}`);
}
