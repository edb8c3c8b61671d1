import { findCondition } from '../contracts/conditions.ts';
import { type Kind, kinds } from '../contracts/kinds/all-kinds.ts';
import type { LabelsOf } from '../contracts/metric-names.ts';
import { formatKey, type ResourceKey } from '../contracts/resource-key.ts';
import type { ResourceStatus, StatusReported } from '../contracts/status.ts';
import type { Meter } from '../runtime/count.ts';
import { createPoolGauges, nobody, type PodCounts } from './pool-gauges.ts';

/**
 * What an operator tells of itself, as plain functions that may be called from anywhere and never
 * throw. Durations are milliseconds here and seconds in what is shown.
 */
export type OperatorMetrics = {
  /** Leads from now on, with this epoch; `null`: no longer, and what only a leader knows is forgotten. */
  leads(epoch: number | null): void;

  /** What is known of a resource by now. */
  reported(report: StatusReported): void;
  removed(key: ResourceKey): void;
  /** Every live pod serves a version, so long after it was accepted. */
  propagated(kind: Kind, ms: number): void;
  acknowledged(result: AckResult): void;
  /** Every pool that has pods; one with resources and without pods is shown with none. */
  showPods(pools: ReadonlyMap<string, PodCounts>): void;

  /** The event log can be followed, up to this event. */
  followed(sequence: number): void;
  /** It cannot be reached. */
  disconnected(): void;
  /** Nobody here wants to follow it: whether it can be reached does not matter. */
  notFollowing(): void;
  /** Pool → the last event its pods have to apply. */
  showPublished(pools: ReadonlyMap<string, number>): void;
  appended(outcome: AppendOutcome, ms: number): void;
  eventLogSize(bytes: number, maxBytes: number): void;
  historyLost(): void;
  /** All of the event log was read and folded. */
  rebuilt(ms: number): void;

  queueDepth(resources: number): void;
  waitedInQueue(ms: number): void;
  reconciled(kind: Kind, ms: number): void;
  reconcileFailed(reason: ReconcileFailure): void;
  statusWritten(kind: Kind, outcome: StatusWriteOutcome): void;

  /** `kind` is a kind of Kubernetes or of ours: `Secret`, `ForwardProxy`. */
  watchComplete(kind: string, complete: boolean): void;
  watchRestarted(kind: string, reason: WatchRestart): void;
  /** A request to the Kubernetes API; `code` 0: no answer. Of a watch: when it began. */
  requested(verb: ApiVerb, code: number, ms: number): void;
  objectWritten(kind: string, outcome: ObjectWriteOutcome): void;
  kubernetesEvent(outcome: KubernetesEventOutcome): void;
};

const resourceStates = ['programmed', 'pending', 'refused', 'degraded'] as const;
const ackResults = ['applied', 'refused', 'ignored'] as const;
const appendOutcomes = [
  'appended',
  'full',
  'unavailable',
  'fenced',
  'too_large',
  'failed',
] as const;
const reconcileFailures = ['log_full', 'log_unavailable', 'entry_too_large', 'internal'] as const;
const statusWriteOutcomes = ['written', 'gone', 'conflict', 'failed'] as const;
const apiVerbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const;
const watchRestarts = ['expired', 'stalled', 'refused', 'missing', 'failed'] as const;
const objectKinds = ['Deployment', 'Service', 'PodDisruptionBudget', 'ServiceAccount', 'Secret'];
const objectWriteOutcomes = ['applied', 'corrected', 'deleted', 'failed'] as const;
const kubernetesEventOutcomes = ['emitted', 'dropped', 'failed'] as const;

export type ResourceState = (typeof resourceStates)[number];
export type AckResult = (typeof ackResults)[number];
export type AppendOutcome = (typeof appendOutcomes)[number];
export type ReconcileFailure = (typeof reconcileFailures)[number];
export type StatusWriteOutcome = (typeof statusWriteOutcomes)[number];
export type WatchRestart = (typeof watchRestarts)[number];
export type ApiVerb = (typeof apiVerbs)[number];
export type ObjectWriteOutcome = (typeof objectWriteOutcomes)[number];
export type KubernetesEventOutcome = (typeof kubernetesEventOutcomes)[number];

type Known = {
  readonly kind: Kind;
  readonly state: ResourceState;
  /** Whose pods should serve it; `null`: there is no version to serve. */
  readonly pool: string | null;
};

/** Counts on `meter`; everything that can be told beforehand is there from the start, as zero. */
export function createOperatorMetrics(meter: Meter): OperatorMetrics {
  const leader = meter.cell('headgate_leader', {});
  const epoch = meter.cell('headgate_event_log_epoch', {});
  const unreachable = meter.cell('headgate_event_log_unreachable', {});
  const sequence = meter.cell('headgate_event_log_sequence', {});
  const appendSeconds = meter.histogram('headgate_event_log_append_duration_seconds', {});
  const bytes = meter.cell('headgate_event_log_bytes', {});
  const maxBytes = meter.cell('headgate_event_log_max_bytes', {});
  const historiesLost = meter.cell('headgate_history_lost_total', {});
  const rebuildSeconds = meter.cell('headgate_projection_rebuild_seconds', {});
  const depth = meter.cell('headgate_queue_depth', {});
  const waitSeconds = meter.histogram('headgate_queue_wait_seconds', {});
  const acks = (result: AckResult) => meter.cell('headgate_acks_total', { result });
  const appends = (outcome: AppendOutcome) =>
    meter.cell('headgate_event_log_appends_total', { outcome });
  const failures = (reason: ReconcileFailure) =>
    meter.cell('headgate_reconcile_failures_total', { reason });
  const resources = (labels: LabelsOf<'headgate_resources'>) =>
    meter.cell('headgate_resources', labels);
  const statusWrites = (kind: Kind, outcome: StatusWriteOutcome) =>
    meter.cell('headgate_status_writes_total', { kind, outcome });
  const propagationSeconds = (kind: Kind) =>
    meter.histogram('headgate_propagation_seconds', { kind });
  const reconcileSeconds = (kind: Kind) =>
    meter.histogram('headgate_reconcile_duration_seconds', { kind });
  const apiSeconds = (verb: ApiVerb) =>
    meter.histogram('headgate_api_request_duration_seconds', { verb });
  const apiRequests = (verb: ApiVerb, code: string) =>
    meter.cell('headgate_api_requests_total', { verb, code });
  const restarts = (kind: string, reason: WatchRestart) =>
    meter.cell('headgate_watch_restarts_total', { kind, reason });
  const objectWrites = (kind: string, outcome: ObjectWriteOutcome) =>
    meter.cell('headgate_object_writes_total', { kind, outcome });
  const events = (outcome: KubernetesEventOutcome) =>
    meter.cell('headgate_kubernetes_events_total', { outcome });
  const pools = createPoolGauges(meter);
  /** `ForwardProxy/team-a/egress` → what is shown of it. */
  const known = new Map<string, Known>();

  for (const result of ackResults) acks(result);
  for (const outcome of appendOutcomes) appends(outcome);
  for (const reason of reconcileFailures) failures(reason);
  for (const outcome of kubernetesEventOutcomes) events(outcome);
  for (const verb of apiVerbs) {
    apiSeconds(verb);
    for (const code of ['0', '200']) apiRequests(verb, code);
  }
  for (const kind of objectKinds) {
    for (const outcome of objectWriteOutcomes) objectWrites(kind, outcome);
  }
  for (const kind of kinds) {
    propagationSeconds(kind);
    reconcileSeconds(kind);
    for (const state of resourceStates) resources({ kind, state });
    for (const outcome of statusWriteOutcomes) statusWrites(kind, outcome);
  }

  function forget(id: string): void {
    const before = known.get(id);
    if (before === undefined) return;
    resources({ kind: before.kind, state: before.state }).add(-1);
    known.delete(id);
  }

  function showPods(found: ReadonlyMap<string, PodCounts>): void {
    const table = new Map<string, PodCounts>();
    for (const { pool } of known.values()) if (pool !== null) table.set(pool, nobody);
    for (const [pool, counts] of found) table.set(pool, counts);
    pools.showPods(table);
  }

  return {
    leads(wonEpoch) {
      leader.set(wonEpoch === null ? 0 : 1);
      epoch.set(wonEpoch ?? 0);
      if (wonEpoch !== null) return;
      for (const gauge of [depth, sequence, bytes, maxBytes]) gauge.set(0);
      pools.clear();
      for (const id of [...known.keys()]) forget(id);
    },
    reported({ kind, namespace, name, pool, status }) {
      const id = formatKey({ kind, namespace, name });
      forget(id);
      const state = resourceStateOf(status);
      known.set(id, { kind, state, pool: status.configVersion === null ? null : pool });
      resources({ kind, state }).add(1);
    },
    removed: (key) => forget(formatKey(key)),
    propagated: (kind, ms) => propagationSeconds(kind).observe(ms / 1000),
    acknowledged: (result) => acks(result).add(1),
    showPods,
    followed(last) {
      unreachable.set(0);
      sequence.set(last);
    },
    disconnected: () => unreachable.set(1),
    notFollowing: () => unreachable.set(0),
    showPublished: pools.showPublished,
    appended(outcome, ms) {
      appends(outcome).add(1);
      if (outcome === 'appended') appendSeconds.observe(ms / 1000);
    },
    eventLogSize(size, max) {
      bytes.set(size);
      maxBytes.set(max);
    },
    historyLost: () => historiesLost.add(1),
    rebuilt: (ms) => rebuildSeconds.set(ms / 1000),
    queueDepth: (length) => depth.set(length),
    waitedInQueue: (ms) => waitSeconds.observe(ms / 1000),
    reconciled: (kind, ms) => reconcileSeconds(kind).observe(ms / 1000),
    reconcileFailed: (reason) => failures(reason).add(1),
    statusWritten: (kind, outcome) => statusWrites(kind, outcome).add(1),
    watchComplete(kind, complete) {
      meter.cell('headgate_watch_complete', { kind }).set(complete ? 1 : 0);
      for (const reason of watchRestarts) restarts(kind, reason);
    },
    watchRestarted: (kind, reason) => restarts(kind, reason).add(1),
    requested(verb, code, ms) {
      apiRequests(verb, String(code)).add(1);
      apiSeconds(verb).observe(ms / 1000);
    },
    objectWritten: (kind, outcome) => objectWrites(kind, outcome).add(1),
    kubernetesEvent: (outcome) => events(outcome).add(1),
  };
}

/** Pods refuse it for a reason of their own; the others are a question of time. */
const waitingReasons: readonly string[] = ['Pending', 'NoPods', 'NothingAccepted'];

/** What has become of the newest generation of a resource, in one word. */
function resourceStateOf({ conditions }: ResourceStatus): ResourceState {
  const programmed = findCondition(conditions, 'Programmed');
  if (findCondition(conditions, 'Accepted')?.status === 'False') return 'refused';
  if (findCondition(conditions, 'Degraded')?.status === 'True') return 'degraded';
  if (programmed?.status === 'True') return 'programmed';
  const isWaiting = programmed === null || waitingReasons.includes(programmed.reason);
  return isWaiting ? 'pending' : 'degraded';
}

/** Where nobody looks: tests of something else. */
export const silentOperatorMetrics: OperatorMetrics = {
  leads: () => undefined,
  reported: () => undefined,
  removed: () => undefined,
  propagated: () => undefined,
  acknowledged: () => undefined,
  showPods: () => undefined,
  followed: () => undefined,
  disconnected: () => undefined,
  notFollowing: () => undefined,
  showPublished: () => undefined,
  appended: () => undefined,
  eventLogSize: () => undefined,
  historyLost: () => undefined,
  rebuilt: () => undefined,
  queueDepth: () => undefined,
  waitedInQueue: () => undefined,
  reconciled: () => undefined,
  reconcileFailed: () => undefined,
  statusWritten: () => undefined,
  watchComplete: () => undefined,
  watchRestarted: () => undefined,
  requested: () => undefined,
  objectWritten: () => undefined,
  kubernetesEvent: () => undefined,
};
