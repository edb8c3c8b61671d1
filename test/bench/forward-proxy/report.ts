import type { Figures } from '../measure.ts';
import { type Circumstances, circumstances, table } from '../page.ts';
import { type WorkName, workNames, works } from './work.ts';

export type Measured = Figures & { readonly work: WorkName; readonly peer: string };

export type Run = Circumstances & {
  readonly measured: readonly Measured[];
  /** Sorted. */
  readonly reloadMs: readonly number[];
};

/** The page under docs/benchmarks. */
export function report(run: Run): string {
  return [
    '# Forward proxy: measured against squid and tinyproxy',
    '',
    'Written by `npm run bench`; do not edit. All proxies ran in one go on one machine, one after the other.',
    'Compare ratios, and rather the CPU per request than the throughput: the load generator and the origin',
    'share the machine with the proxy. No proxy wrote an access log or cached.',
    '',
    ...circumstances(run),
    '',
    ...workNames.flatMap((work) => tableOf(work, run.measured)),
    ...reloadSection(run.reloadMs),
  ].join('\n');
}

const columns = ['requests/s', 'p50 ms', 'p99 ms', 'CPU µs per request', 'memory MB', 'errors'];

function tableOf(work: WorkName, measured: readonly Measured[]): readonly string[] {
  const rows = measured.filter((row) => row.work === work).map(rowOf);
  if (rows.length === 0) return [];
  return [`## ${works[work]}`, '', ...table(['proxy'], columns, rows), ''];
}

function rowOf(row: Measured): readonly string[] {
  return [
    row.peer,
    (row.requests / row.seconds).toFixed(0),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    (row.cpuMicros / Math.max(1, row.requests)).toFixed(0),
    row.residentMegabytes.toFixed(0),
    String(row.errors),
  ];
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
