import { formatAge, paint } from '../columns.ts';
import { printable } from '../printable.ts';
import type { PodFacts, VersionFacts } from './report.ts';

/** `  in force   sequence 12`; lines without a name go on below the one before. */
export function formatFacts(facts: ReadonlyArray<readonly [string, string]>): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, text]) => `  ${name.padEnd(width)}   ${text}`.trimEnd()).join('\n');
}

export function formatVersion(
  { sequence, time, generation, by }: VersionFacts,
  nowMs: number,
): string {
  const parts = [
    `sequence ${sequence}`,
    ...(generation === null ? [] : [`generation ${generation}`]),
    `since ${time} (${formatAge(time, nowMs)})`,
    ...(by === null ? [] : [`by ${printable(by)}`]),
  ];
  return parts.join(', ');
}

/** What is remarkable about a pod. */
export function podState({ applied, behind, draining, confirmed }: PodFacts): readonly string[] {
  if (applied === null) return [paint('yellow', 'has not spoken lately')];
  const late = behind === null ? [] : [`${countOf(behind.events)} behind since ${behind.since}`];
  return [
    ...late.map((text) => paint('yellow', text)),
    ...(draining ? ['draining'] : []),
    ...(confirmed === false ? [paint('yellow', 'its own digest disagrees')] : []),
  ];
}

function countOf(events: number): string {
  return events === 1 ? '1 event' : `${events} events`;
}

export function formatUnknown(unknown: readonly string[]): string {
  return unknown.map((each) => paint('yellow', `not known: ${printable(each)}`)).join('\n');
}
