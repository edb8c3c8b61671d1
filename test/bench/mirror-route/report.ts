import { type Circumstances, circumstances, table } from '../page.ts';
import type { Measured } from './measure-route.ts';
import { isTroubled, mirrors } from './mirrors.ts';
import type { Copies } from './route-peer.ts';
import { type RequestName, requestNames } from './work.ts';

export type Run = Circumstances & { readonly measured: readonly Measured[] };

/** The tables of docs/benchmarks/mirror-route.md. */
export function report({ measured, ...run }: Run): string {
  const untroubled = measured.filter(({ mirror }) => !isTroubled(mirror));
  const plain = untroubled.filter(({ mirror }) => mirror === 'none');
  const mirrored = untroubled.filter(({ mirror }) => mirror !== 'none');
  return [
    ...circumstances(run),
    '',
    ...requestNames.flatMap((name) => [
      ...workTable(`plain ${name}`, ofRequest(plain, name)),
      ...workTable(`mirrored ${name}`, ofRequest(mirrored, name)),
    ]),
    '### What a mirror does to the primary',
    '',
    ...table(isolationText, isolationColumns, besideTroubles(measured).map(isolationRow)),
    '',
  ].join('\n');
}

const ofRequest = (measured: readonly Measured[], name: RequestName) =>
  measured.filter(({ request }) => request === name);

function workTable(title: string, measured: readonly Measured[]): readonly string[] {
  if (measured.length === 0) return [];
  return [`### ${title}`, '', ...table(['proxy'], workColumns, measured.map(workRow)), ''];
}

/** Mirrors in trouble, and for comparison the same proxy and request with one that is not, or without. */
function besideTroubles(measured: readonly Measured[]): readonly Measured[] {
  const isCompared = ({ peer, request }: Measured) =>
    measured.some((row) => row.peer === peer && row.request === request && isTroubled(row.mirror));
  return measured.filter((row) => isCompared(row) && row.mirror !== 'bodiless');
}

const workColumns = [
  'CPU µs per request',
  'requests/s',
  'p50 ms',
  'p99 ms',
  'copies per request',
  'memory MB',
  'errors',
];

const workRow = (row: Measured): readonly string[] => [
  row.mirror === 'bodiless' ? `${row.peer}, whose mirror answers without a body` : row.peer,
  (row.cpuMicros / Math.max(1, row.requests)).toFixed(0),
  ...pace(row),
  row.received === null ? '–' : (row.received / Math.max(1, row.requests)).toFixed(2),
  row.residentMegabytes.toFixed(0),
  String(row.errors + row.hangUps),
];

const isolationText = ['proxy', 'request', 'mirror'];

const isolationColumns = [
  'requests/s',
  'p50 ms',
  'p99 ms',
  'errors',
  'unanswered',
  'copies sent',
  'not sent',
];

const isolationRow = (row: Measured): readonly string[] => [
  row.peer,
  row.request,
  mirrors[row.mirror],
  ...pace(row),
  String(row.errors + row.hangUps),
  String(row.unanswered),
  ...(row.copies === null || row.mirror === 'none' ? ['–', '–'] : fatesOf(row.copies)),
];

const pace = ({ requests, seconds, p50Ms, p99Ms }: Measured): readonly string[] => [
  (requests / seconds).toFixed(0),
  p50Ms.toFixed(2),
  p99Ms.toFixed(2),
];

function fatesOf({ sent, skipped, inflight, queued }: Copies): readonly string[] {
  return [
    listed({ ...sent, 'under way': inflight }),
    listed({ ...skipped, 'still waiting': queued }),
  ];
}

function listed(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return parts.map(([name, count]) => `${name} ${count}`).join(', ') || '0';
}
