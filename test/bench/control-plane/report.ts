import { cpus, release, totalmem } from 'node:os';
import { barsOf } from './bars.ts';
import type { Churn, Edit } from './edits.ts';
import type { PodStart } from './pod-start.ts';
import { quantile } from './samples.ts';
import type { Creation, Memory } from './scale.ts';

/** Edits of one resource while others stood by. */
export type EditRun = {
  readonly name: string;
  readonly resources: number;
  readonly churn: Churn | null;
  readonly edits: readonly Edit[];
  readonly load: number;
};

export type Measured = {
  readonly date: string;
  readonly kubernetes: string;
  readonly pods: number;
  readonly edits: readonly EditRun[];
  readonly creations: readonly Creation[];
  readonly memory: readonly Memory[];
  readonly starts: readonly PodStart[];
  /** What could not be measured, and why. */
  readonly missed: readonly string[];
};

/** The tables of docs/benchmarks/control-plane.md. */
export function report(measured: Measured): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const { date, kubernetes, pods } = measured;
  return [
    `- ${date}, ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memory} GB, Linux ${release()}, Node ${process.version}`,
    `- Kubernetes ${kubernetes}, one node: control plane, NATS, 2 operators, ${pods} pods and the benchmark share the machine`,
    ...measured.missed.map((what) => `- not measured: ${what}`),
    '',
    ...barTable(measured),
    ...editTable(measured.edits),
    ...creationTable(measured.creations),
    ...memoryTable(measured.memory),
    ...startTable(measured.starts),
  ].join('\n');
}

function barTable(measured: Measured): readonly string[] {
  const rows = barsOf(measured).map(({ what, unit, atMost, measured: found }) => {
    const shown = found === null ? 'not measured' : `${found.toFixed(found < 10 ? 1 : 0)} ${unit}`;
    const verdict = found === null ? '' : found <= atMost ? 'met' : '**missed**';
    return [what, `≤ ${atMost} ${unit}`.trim(), shown.trim(), verdict];
  });
  return ['### Against the bars', '', table(['', 'bar', 'measured', ''], rows)];
}

function editTable(runs: readonly EditRun[]): readonly string[] {
  return [
    '### From a change to its effect',
    '',
    'Milliseconds since the write was sent, p50 / p99. *Applied*: every pod serves it, and the operator has heard so.',
    '',
    table(
      [
        '',
        'resources',
        'edits',
        'API answered',
        'pod behaves',
        'applied',
        'Programmed seen',
        'load',
      ],
      runs.map(({ name, resources, churn, edits, load }) => [
        churn === null ? name : `${name}: ${churn.perSecond.toFixed(0)} other edits/s`,
        String(resources),
        String(edits.length),
        ...(['answered', 'behaves', 'applied', 'programmed'] as const).map((what) =>
          both(edits.map((edit) => edit[what])),
        ),
        load.toFixed(1),
      ]),
    ),
  ];
}

function both(values: readonly number[]): string {
  return `${quantile(values, 0.5).toFixed(0)} / ${quantile(values, 0.99).toFixed(0)}`;
}

function creationTable(creations: readonly Creation[]): readonly string[] {
  const head = ['resources', 'created in s', 'all Programmed, s after the last', 'in all, s'];
  const more = [
    'status writes',
    'CPU s: API server',
    'operator',
    'pod',
    'Services, s later',
    'load',
  ];
  return [
    '### From nothing to Programmed',
    '',
    '32 requests at once straight to the API server; seen by one watch.',
    '',
    table(
      [...head, ...more],
      creations.map(({ createdSeconds, restSeconds, servicesSeconds, cpu, ...creation }) => [
        String(creation.resources),
        ...[createdSeconds, restSeconds, createdSeconds + restSeconds].map(tenths),
        String(creation.statusWrites),
        ...[cpu.apiServer, cpu.leader, cpu.pod].map(tenths),
        servicesSeconds === null ? 'not in time' : tenths(servicesSeconds),
        tenths(creation.load),
      ]),
    ),
  ];
}

const tenths = (value: number) => value.toFixed(1);

function memoryTable(rows: readonly Memory[]): readonly string[] {
  const megabytes = (value: number | null) => (value === null ? '–' : value.toFixed(0));
  return [
    '### Memory',
    '',
    'Resident MB of each process, about 55 of them Node itself, 10 s after the last change.',
    '',
    table(
      ['resources', 'operator that leads', 'operator that stands by', 'pod', 'load'],
      rows.map(({ resources, leader, standby, pod, load }) => [
        String(resources),
        ...[leader, standby, pod].map(megabytes),
        load.toFixed(1),
      ]),
    ),
  ];
}

function startTable(starts: readonly PodStart[]): readonly string[] {
  return [
    '### A new pod',
    '',
    table(
      [
        'resources',
        's from its first log line to ready',
        's from removing the old one to ready',
        'load',
      ],
      starts.map(({ resources, fromProcessSeconds, fromDeletionSeconds, load }) => [
        String(resources),
        fromProcessSeconds.toFixed(1),
        fromDeletionSeconds.toFixed(1),
        load.toFixed(1),
      ]),
    ),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return `${[head, rule, ...rows].map(line).join('\n')}\n`;
}
