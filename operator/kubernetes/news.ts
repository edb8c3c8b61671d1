import { type Condition, type ConditionType, findCondition } from '../../contracts/conditions.ts';
import type { ResourceStatus, StatusReported } from '../../contracts/status.ts';
import { cut } from './status-object.ts';

/** What is worth an Event of Kubernetes. */
export type News = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What was done, or tried. */
  readonly action: 'Record' | 'Program' | 'Watch' | 'Rebuild';
  readonly note: string;
};

const maxNoteBytes = 1000;

/** Waiting is no news. */
const waitingReasons = ['Pending', 'NoPods', 'NothingAccepted'];

/** What a status says that the one before did not. Pure. */
export function newsOf(
  before: ResourceStatus | null,
  { status }: Pick<StatusReported, 'status'>,
): readonly News[] {
  return [
    ...configured(before, status),
    ...warning(before, status, 'Accepted', 'False', 'Record'),
    ...programmed(before, status),
    ...warning(before, status, 'Programmed', 'False', 'Program'),
    ...warning(before, status, 'Degraded', 'True', 'Watch'),
  ];
}

function configured(before: ResourceStatus | null, status: ResourceStatus): readonly News[] {
  const { configVersion, lastEvent } = status;
  if (configVersion === null || configVersion === before?.configVersion) return [];
  const by = lastEvent?.by == null || lastEvent.seq !== configVersion ? '' : ` by ${lastEvent.by}`;
  return [news('Normal', 'Configured', 'Record', `version ${configVersion} recorded${by}`)];
}

function programmed(before: ResourceStatus | null, status: ResourceStatus): readonly News[] {
  const { configVersion, propagation } = status;
  if (!isInForce(status) || propagation?.state !== 'Complete') return [];
  if (before?.configVersion === configVersion && isInForce(before)) return [];
  const { acked, desired, max } = propagation;
  const after = max === null ? '' : ` after ${Math.round(max)} ms`;
  const note = `version ${configVersion} in force on ${acked}/${desired} pods${after}`;
  return [news('Normal', 'Programmed', 'Program', note)];
}

function isInForce({ conditions }: ResourceStatus): boolean {
  return findCondition(conditions, 'Programmed')?.status === 'True';
}

function warning(
  before: ResourceStatus | null,
  status: ResourceStatus,
  type: ConditionType,
  bad: Condition['status'],
  action: News['action'],
): readonly News[] {
  const now = findCondition(status.conditions, type);
  if (now?.status !== bad || waitingReasons.includes(now.reason)) return [];
  const last = before === null ? null : findCondition(before.conditions, type);
  const isKnown =
    last?.status === bad &&
    last.reason === now.reason &&
    last.observedGeneration === now.observedGeneration;
  return isKnown ? [] : [news('Warning', now.reason, action, now.message)];
}

function news(type: News['type'], reason: string, action: News['action'], note: string): News {
  return { type, reason, action, note: cut(note === '' ? reason : note, maxNoteBytes) };
}
