import { cpus, release, totalmem } from 'node:os';
import { type LoadResult, type WorkName, workNames, works } from './work.ts';

export type Measured = LoadResult & {
  readonly work: WorkName;
  readonly peer: string;
  readonly cpuMicros: number;
  readonly residentMegabytes: number;
};

export type Run = {
  readonly date: string;
  /** Of the machine, before anything was started: other work makes every figure worse. */
  readonly loadBefore: number;
  readonly clients: number;
  readonly seconds: number;
  readonly versions: readonly (readonly [peer: string, version: string])[];
  readonly missing: readonly (readonly [peer: string, why: string])[];
  readonly measured: readonly Measured[];
  /** Sorted. */
  readonly reloadMs: readonly number[];
};

/** The page under docs/benchmarks. */
export function report(run: Run): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    '# Forward proxy: measured against squid and tinyproxy',
    '',
    'Written by `npm run bench`; do not edit. All proxies ran in one go on one machine, one after the other.',
    'Compare ratios, and rather the CPU per request than the throughput: the load generator and the origin',
    'share the machine with the proxy. No proxy wrote an access log or cached.',
    '',
    `- ${run.date}, ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memory} GB, Linux ${release()}, Node ${process.version}`,
    `- ${run.clients} clients, ${run.seconds} s for each figure after a warm-up; load average before: ${run.loadBefore.toFixed(1)}`,
    ...run.versions.map(([peer, version]) => `- ${peer}: ${version}`),
    ...run.missing.map(([peer, why]) => `- ${peer}: not measured (${why})`),
    '',
    ...workNames.flatMap((work) => tableOf(work, run.measured)),
    ...reloadSection(run.reloadMs),
  ].join('\n');
}

function tableOf(work: WorkName, measured: readonly Measured[]): string[] {
  const rows = measured.filter((row) => row.work === work);
  if (rows.length === 0) return [];
  return [
    `## ${works[work]}`,
    '',
    '| proxy | requests/s | p50 ms | p99 ms | CPU µs per request | memory MB | errors |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(rowOf),
    '',
  ];
}

function rowOf(row: Measured): string {
  const cells = [
    row.peer,
    (row.requests / row.seconds).toFixed(0),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    (row.cpuMicros / Math.max(1, row.requests)).toFixed(0),
    row.residentMegabytes.toFixed(0),
    String(row.errors),
  ];
  return `| ${cells.join(' | ')} |`;
}

function reloadSection(sorted: readonly number[]): string[] {
  if (sorted.length === 0) return [];
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(0);
  return [
    '## From saving YAML to changed behaviour',
    '',
    `${sorted.length} edits of one rule, each saved by renaming a new file over the old one; the time until a request`,
    'on a kept connection is answered by the new rule. The directory is trusted after 20 ms without a change.',
    '',
    '| median ms | p99 ms | slowest ms |',
    '| ---: | ---: | ---: |',
    `| ${at(0.5)} | ${at(0.99)} | ${(sorted.at(-1) ?? 0).toFixed(0)} |`,
    '',
  ];
}
