import type { ErrorCode } from './errors.ts';
import { type HealthReport, isHealthReport } from './health-report.ts';
import { isRecord, isStringArray } from './json.ts';

/** Why a pod did not take one version of one resource. `reason` is a status reason. */
export type Refusal = {
  /** `ForwardProxy/team-a/egress` */
  readonly resource: string;
  /** The sequence of the event that was refused. */
  readonly sequence: number;
  readonly reason: 'PortUnavailable' | 'SecretUnreadable' | 'UnsupportedField' | 'Invalid';
  readonly code: ErrorCode;
  readonly message: string;
};

/** What a pod runs: everything up to `applied` is in force except the refusals. */
export type Acknowledgement = {
  readonly instance: string;
  readonly pool: string;
  readonly logId: string;
  /** The last sequence in force; 0 before the first complete snapshot. */
  readonly applied: number;
  /** Digest over (resource, sequence in force) of the whole table. */
  readonly digest: string;
  /** At most 50; `refusalCount` is the true number. */
  readonly refusals: readonly Refusal[];
  readonly refusalCount: number;
  /** Event types this pod understands. */
  readonly eventTypes: readonly string[];
  readonly keyIds: readonly string[];
  readonly draining: boolean;
  /** Absent: it says nothing about the parts of what it serves. */
  readonly health?: HealthReport;
};

export const maxRefusals = 50;

/**
 * What a pod sent; `null`: it is no acknowledgement. A health report that cannot be read is left out:
 * it is for information, and what the pod runs holds all the same.
 */
export function readAcknowledgement(value: unknown): Acknowledgement | null {
  if (!isAcknowledgement(value)) return null;
  const { health, ...known } = value;
  return isHealthReport(health) ? { ...known, health } : known;
}

/** Of its health nothing is known yet. */
type Acknowledged = Omit<Acknowledgement, 'health'> & { readonly health?: unknown };

function isAcknowledgement(value: unknown): value is Acknowledged {
  if (!isRecord(value)) return false;
  const { instance, pool, logId, applied, digest, refusals, refusalCount, draining } = value;
  return (
    [instance, pool, logId, digest].every((field) => typeof field === 'string') &&
    typeof applied === 'number' &&
    typeof refusalCount === 'number' &&
    typeof draining === 'boolean' &&
    Array.isArray(refusals) &&
    refusals.every(isRefusal) &&
    isStringArray(value['eventTypes']) &&
    isStringArray(value['keyIds'])
  );
}

function isRefusal(value: unknown): value is Refusal {
  if (!isRecord(value)) return false;
  const { resource, sequence, reason, code, message } = value;
  return (
    typeof resource === 'string' &&
    typeof code === 'string' &&
    typeof sequence === 'number' &&
    typeof reason === 'string' &&
    typeof message === 'string'
  );
}
