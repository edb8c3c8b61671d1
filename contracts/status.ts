import type { Condition } from './conditions.ts';
import { isRecord } from './json.ts';
import { isKind, type Kind } from './kinds/all-kinds.ts';
import type { MirrorState } from './kinds/mirror-route/mirror-state.ts';

/** What is known of a resource: which version is in force, where, and how long it took to get there. */
export type ResourceStatus = {
  /** The newest generation that was decided upon. kstatus compares it first. */
  readonly observedGeneration: number;
  /** Sequence in the log of the version in force; `null` before anything was accepted. */
  readonly configVersion: number | null;
  /** sha256 of the canonical configuration in force. */
  readonly configHash: string | null;
  readonly lastEvent: LastEvent | null;
  readonly propagation: Propagation | null;
  /** Of a kind that has mirrors, as far as pods have said how they are. */
  readonly mirrors?: readonly MirrorStatus[];
  readonly conditions: readonly Condition[];
};

/** How a mirror fares in that live pod where it fares worst. */
export type MirrorStatus = {
  /** `rule/mirror` */
  readonly name: string;
  readonly state: MirrorState;
  readonly lastTransitionTime: string;
};

export type LastEvent = {
  readonly id: string;
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  /** Who wrote what was decided upon, where known. */
  readonly by: string | null;
};

/** How far the version in force has come. Frozen once complete. Durations are milliseconds. */
export type Propagation = {
  readonly generation: number;
  readonly state: 'Pending' | 'Partial' | 'Complete' | 'Degraded';
  readonly publishedAt: string;
  readonly completedAt: string | null;
  /** Live pods that should serve it. */
  readonly desired: number;
  readonly acked: number;
  readonly nacked: number;
  readonly unreachable: number;
  readonly first: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** At most {@link maxLagging}. */
  readonly lagging: readonly Lagging[];
};

export type Lagging = {
  readonly pod: string;
  /** The last sequence this pod has in force. */
  readonly version: number;
  /** When it was last heard of. */
  readonly since: string;
  readonly error: string | null;
};

export const maxLagging = 10;

/** `data` of `StatusReported`: the resource as `headgate get` shows it. */
export type StatusReported = {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** When the resource was first seen. */
  readonly createdAt: string;
  readonly pool: string;
  readonly status: ResourceStatus;
};

/** Checks the frame; the status inside was written by an operator and is shown as it is. */
export function isStatusReported(value: unknown): value is StatusReported {
  if (!isRecord(value)) return false;
  const { kind, namespace, name, uid, generation, createdAt, pool, status } = value;
  return (
    typeof kind === 'string' &&
    isKind(kind) &&
    [namespace, name, uid, createdAt, pool].every((field) => typeof field === 'string') &&
    typeof generation === 'number' &&
    isRecord(status) &&
    typeof status['observedGeneration'] === 'number' &&
    Array.isArray(status['conditions'])
  );
}
