import { formatAge, formatColumns, paint } from '../columns.ts';
import { printable } from '../printable.ts';
import { formatFacts, formatUnknown, podState } from './render.ts';
import type { PodReport } from './report.ts';

type Resource = PodReport['resources'][number];

export function renderPod(report: PodReport, nowMs: number): string {
  const { pod, pool, log, resources, unknown } = report;
  const facts = [
    ['pool', printable(pool)] as const,
    ...(log.at === null ? presentFacts(report) : []),
  ];
  const past = log.at === null ? '' : `: its pool as of sequence ${log.at}`;
  const parts = [
    `pod ${printable(pod)}${past}\n${formatFacts(facts)}`,
    resources.length === 0 ? 'It serves nothing.' : formatColumns(heads, rowsOf(report, nowMs)),
    formatUnknown(unknown),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function presentFacts(report: PodReport): ReadonlyArray<readonly [string, string]> {
  const { applied, keyIds, log, resources, unlistedRefusals } = report;
  const refused = resources.filter(({ refusal }) => refusal !== null).length + unlistedRefusals;
  const state = [
    ...podState(report),
    ...(refused === 0 ? [] : [paint('red', `refuses ${refused} of its resources`)]),
  ];
  return [
    ['applied', `sequence ${applied}, the log ends at ${log.end}`],
    ['state', state.length === 0 ? paint('green', 'up to date') : state.join('; ')],
    ['checked', checkedOf(report)],
    ['keys', keyIds.length === 0 ? 'none' : printable(keyIds.join(', '))],
  ];
}

function checkedOf({ confirmed }: PodReport): string {
  if (confirmed === null) return "cannot be compared with the pod's own digest";
  return confirmed
    ? "the pod's own digest says the same"
    : paint('yellow', "the pod's own digest says otherwise: parts of this are guesses");
}

const heads = ['RESOURCE', 'RUNS', 'WANTED', 'GENERATION', 'SINCE', 'BY', 'REFUSED'];

function rowsOf({ resources }: PodReport, nowMs: number) {
  return resources.map((resource) => row(resource, nowMs));
}

function row({ resource, runs, wanted, refusal }: Resource, nowMs: number): readonly string[] {
  const version = typeof runs === 'object' ? runs : null;
  const shown = version ?? (runs === 'unknown' ? wanted : null);
  return [
    printable(resource),
    version === null ? String(runs) : String(version.sequence),
    wanted === null ? 'nothing' : String(wanted.sequence),
    String(shown?.generation ?? ''),
    shown === null ? '' : `${shown.time} (${formatAge(shown.time, nowMs)})`,
    printable(shown?.by ?? ''),
    refusal === null
      ? ''
      : paint('red', `${refusal.sequence}: ${refusal.reason}: ${printable(refusal.message)}`),
  ];
}
