import { formatAge, formatColumns, paint } from '../columns.ts';
import { printable } from '../printable.ts';
import { formatFacts, formatUnknown, formatVersion, podState } from './render.ts';
import type { ResourceReport } from './report.ts';

type Pod = NonNullable<ResourceReport['pods']>[number];

/** For people: facts, then pods, then history, then what cannot be known. */
export function renderResource(report: ResourceReport, nowMs: number): string {
  const parts = [
    `${printable(report.resource)}${atOf(report)}\n${formatFacts(factsOf(report, nowMs))}`,
    podsPart(report),
    `HISTORY\n${historyOf(report)}`,
    formatUnknown(report.unknown),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function atOf({ log }: ResourceReport): string {
  return log.at === null ? '' : ` as of sequence ${log.at}`;
}

function factsOf(report: ResourceReport, nowMs: number): ReadonlyArray<readonly [string, string]> {
  const { inForce, refused, removed, leaving, secrets, propagation, cluster } = report;
  return [
    ['in force', inForceOf(report, nowMs)],
    ...(removed === null
      ? []
      : [['removed', `sequence ${removed.sequence} at ${removed.time}`] as const]),
    ...(refused === null
      ? []
      : [
          ['refused', formatVersion(refused, nowMs)] as const,
          ['', paint('red', `${refused.reason}: ${oneLine(refused.message)}`)] as const,
        ]),
    ...(inForce === null ? [] : [['pool', printable(inForce.pool)] as const]),
    ...leaving.map(
      ({ pool, sequence }) =>
        ['leaving', `pool ${printable(pool)}, which still has sequence ${sequence}`] as const,
    ),
    ...(inForce?.listeners ?? []).map((each) => ['listener', printable(each)] as const),
    ...secrets.map(({ secret, sealed }) => ['Secret', secretLine(secret, sealed, nowMs)] as const),
    ...(cluster?.services ?? []).map(
      ({ service, address, ports }) =>
        ['Service', `${service} at ${address}, ${ports.join(', ')}`] as const,
    ),
    ...(propagation === null
      ? []
      : [
          [
            'reported',
            `${propagation.state}: ${propagation.acked} of ${propagation.desired} pods at generation ${propagation.generation}`,
          ] as const,
        ]),
    ...undecidedOf(report),
  ];
}

function inForceOf({ inForce, log }: ResourceReport, nowMs: number): string {
  if (inForce !== null) return formatVersion(inForce, nowMs);
  return log.at === null ? paint('yellow', 'no version') : 'no version that is kept';
}

function secretLine(
  secret: string,
  sealed: ResourceReport['secrets'][number]['sealed'],
  nowMs: number,
): string {
  if (sealed === null) return `${printable(secret)}: not in the log`;
  const { sequence, time, keyId } = sealed;
  return `${printable(secret)}: sequence ${sequence}, ${formatAge(time, nowMs)} old, sealed with key ${printable(keyId)}`;
}

/** The cluster has a newer generation than the log speaks of. */
function undecidedOf({ cluster, inForce, refused, log }: ResourceReport) {
  if (cluster === null || log.at !== null) return [];
  const { generation } = cluster;
  if (generation === null) return [['cluster', 'the resource is not there any more'] as const];
  const decided = Math.max(inForce?.generation ?? 0, refused?.generation ?? 0);
  if (generation <= decided) return [];
  return [['cluster', `generation ${generation} is there, and not decided upon yet`] as const];
}

function podsPart({ pods }: ResourceReport): string {
  if (pods === null || pods.length === 0) return '';
  const heads = ['POD', 'POOL', 'RUNS', 'GENERATION', 'APPLIED', 'KEYS', 'STATE'];
  return formatColumns(heads, pods.map(podRow));
}

function podRow(pod: Pod): readonly string[] {
  const { runs, refusal } = pod;
  const version = typeof runs === 'object' ? runs : null;
  const refused =
    refusal === null
      ? []
      : [
          paint(
            'red',
            `refused ${refusal.sequence}: ${refusal.reason}: ${oneLine(refusal.message)}`,
          ),
        ];
  return [
    printable(pod.pod),
    printable(pod.pool),
    version === null ? String(runs) : String(version.sequence),
    String(version?.generation ?? ''),
    String(pod.applied ?? ''),
    printable(pod.keyIds.join(',')),
    stateOf([...podState(pod), ...refused]),
  ];
}

function stateOf(remarks: readonly string[]): string {
  return remarks.length === 0 ? paint('green', 'up to date') : remarks.join('; ');
}

function historyOf({ history }: ResourceReport): string {
  const heads = ['SEQUENCE', 'TIME', 'EVENT', 'GENERATION', 'POOL', 'BY', 'DETAIL'];
  const rows = history.map(({ sequence, time, event, generation, pool, by, reason, message }) => [
    String(sequence),
    time,
    printable(event),
    String(generation ?? ''),
    printable(pool),
    printable(by ?? ''),
    reason === null ? '' : `${printable(reason)}: ${oneLine(message ?? '')}`,
  ]);
  return formatColumns(heads, rows);
}

function oneLine(text: string): string {
  return printable(text.replaceAll('\n', '; '));
}
