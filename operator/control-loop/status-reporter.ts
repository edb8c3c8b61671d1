import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { logEventTypes } from '../../contracts/log-events.ts';
import { formatKey, parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { StatusReported } from '../../contracts/status.ts';
import { type Leader, LogFull, LogUnavailable } from '../../event-log/event-log.ts';
import { envelope, type Writing } from './entries.ts';
import { type Held, servingPoolOf } from './held.ts';
import { purgeAll } from './housekeeping.ts';
import { createPendingWrites } from './pending-writes.ts';
import type { Pods } from './pods.ts';
import { advance, factsOf, propagationOf, type Rollout } from './rollout.ts';
import type { States } from './states.ts';
import {
  isSettled,
  type Obstacle,
  projectStatus,
  type Reach,
  significanceOf,
} from './status-projection.ts';

/** Keeps the status of every resource true, and writes it when it means something new. */
export type StatusReporter = {
  /** The resource was decided upon, or something stands in its way. */
  changed(key: ResourceKey, obstacle?: Obstacle | null): void;
  /** A pod of this pool said something new. */
  podSpoke(pool: string): void;
  /** Once a second: silent pods, and writes that were put off. */
  tick(): void;
  /** Nothing can be known while the log is out of reach: status stays as it is. */
  freeze(frozen: boolean): void;
  /** Whether everything in these pools has arrived, or was refused. */
  isSettled(pools: readonly string[]): boolean;
  /** Whether every live pod serves the version in force. */
  hasArrived(key: ResourceKey): boolean;
  /** Writes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
};

type Context = {
  readonly states: States;
  readonly pods: Pods;
  readonly writing: Writing;
  readonly leader: Leader;
  /** Called for everything new, written or not. */
  readonly onStatus: (report: StatusReported) => void;
  /** The version in force is served by every live pod. */
  readonly onArrived: (held: Held) => void;
};

type Shown = {
  readonly report: StatusReported;
  readonly significance: string;
};

export function createStatusReporter(context: Context): StatusReporter {
  const { states, pods, writing, leader, onStatus, onArrived } = context;
  const rollouts = new Map<string, Rollout>();
  const shown = new Map<string, Shown>();
  const obstacles = new Map<string, Obstacle>();
  /** What may change with the next word of a pod, or with time alone. */
  const open = new Map<string, ResourceKey>();
  const unsettled = new Map<string, string>();
  const pending = createPendingWrites(writing.now);
  const beganAtMs = writing.now();
  let frozen = false;

  function project<K extends Kind>(held: Held<K>): void {
    const id = formatKey(held.key);
    const nowMs = writing.now();
    const reach = reachOf(id, held, nowMs);
    if (reach === 'unknown') return note(held, id, false, true);

    const previous = shown.get(id)?.report ?? held.reported?.data ?? null;
    const now = new Date(nowMs).toISOString();
    const report = projectStatus(
      held,
      reach,
      obstacles.get(id) ?? null,
      previous?.status ?? null,
      now,
    );
    if (report === null) return forget(id);

    note(held, id, isSettled(report), isTroubled(report));
    show(id, held, report);
    if (reach?.propagation.state === 'Complete') onArrived(held);
  }

  function note(held: Held, id: string, settled: boolean, troubled: boolean): void {
    if (settled) unsettled.delete(id);
    else unsettled.set(id, servingPoolOf(held));
    if (settled && !troubled) open.delete(id);
    else open.set(id, held.key);
  }

  /** Shows what is new; writes what the log does not say yet. */
  function show(id: string, held: Held, report: StatusReported): void {
    const significance = significanceOf(report);
    const isNews = shown.get(id)?.significance !== significance;
    shown.set(id, { report, significance });
    const written = held.reported?.data;
    if (written !== undefined && significanceOf(written) === significance) pending.remove(id);
    else pending.add(id, report.status.configVersion ?? 0);
    if (isNews) onStatus(report);
  }

  /** `unknown`: just begun, nobody has spoken yet, and the log holds a status of this very version. */
  function reachOf(id: string, held: Held, nowMs: number): Reach | null | 'unknown' {
    if (held.inForce === null || held.state.status === 'absent') return null;
    const inPool = pods.inPool(servingPoolOf(held), nowMs);
    const tooEarly = pods.tooEarly(nowMs);
    if (tooEarly && inPool.length === 0 && isReported(held)) return 'unknown';

    const rollout = advance(rolloutOf(id, held), inPool, nowMs);
    rollouts.set(id, rollout);
    return {
      facts: factsOf(rollout, inPool, nowMs, tooEarly),
      propagation: propagationOf(rollout, inPool, nowMs),
    };
  }

  function rolloutOf(id: string, { inForce, state, reported }: Held): Rollout {
    const sequence = inForce?.sequence ?? 0;
    const current = rollouts.get(id);
    if (current?.sequence === sequence) return current;
    const before = reported?.data.status;
    const wasComplete = before?.configVersion === sequence && before.propagation?.completedAt;
    const publishedAt = inForce?.time ?? '';
    return {
      resource: id,
      sequence,
      generation: generationInForce(state),
      publishedAt,
      measured: Date.parse(publishedAt) >= Math.floor(beganAtMs),
      arrivals: new Map(),
      completed: wasComplete ? (before.propagation ?? null) : null,
    };
  }

  function forget(id: string): void {
    for (const map of [rollouts, shown, obstacles, unsettled, open]) map.delete(id);
    pending.forget(id);
  }

  function projectAll(pool: string | null): void {
    for (const held of states.all()) {
      if (pool === null || servingPoolOf(held) === pool) project(held);
    }
  }

  /** One append for all that is due; what changes meanwhile is written in the next. */
  async function write(ids: readonly string[]): Promise<void> {
    const reports = ids.flatMap((id) => shown.get(id)?.report ?? []);
    const entries = reports.map((data) => ({
      subject: writing.subjects.status(data.pool, data),
      event: envelope(writing, logEventTypes.statusReported, formatKey(data), data),
      lastOnly: true,
    }));
    if (entries.length === 0) return;
    const sequences = await leader.append(entries);
    for (const [index, { subject, event }] of entries.entries()) {
      states.applyOwn({ sequence: sequences[index] ?? 0, subject, event });
    }
    // Of what has moved, or was removed while this was written.
    await purgeAll(states, leader, reports.flatMap(states.staleStatusesOf));
  }

  return {
    changed(key, obstacle = null) {
      const id = formatKey(key);
      if (obstacle === null) obstacles.delete(id);
      else obstacles.set(id, obstacle);
      project(states.get(key));
    },
    podSpoke(pool) {
      if (frozen) return;
      const refusals = pods.inPool(pool, writing.now()).flatMap((pod) => pod.refusals);
      const named = refusals.flatMap(({ resource }) => parseKey(resource) ?? []);
      for (const key of [...open.values(), ...named]) {
        const held = states.get(key);
        if (servingPoolOf(held) === pool) project(held);
      }
    },
    tick() {
      if (frozen) return;
      for (const pool of pods.sweep(writing.now())) projectAll(pool);
      for (const key of [...open.values()]) project(states.get(key));
      pending.resume();
    },
    freeze(isFrozen) {
      frozen = isFrozen;
      if (!frozen) projectAll(null);
    },
    hasArrived: (key) => shown.get(formatKey(key))?.report.status.propagation?.state === 'Complete',
    isSettled: (pools) => ![...unsettled.values()].some((pool) => pools.includes(pool)),
    async run(signal) {
      for await (const ids of pending.batches(signal)) {
        try {
          await write(ids);
        } catch (error) {
          if (!(error instanceof LogUnavailable || error instanceof LogFull)) throw error;
          pending.putBack(ids);
        }
      }
    },
  };
}

/** Something is wrong with it: it may be mended by whatever a pod says next. */
function isTroubled({ status }: StatusReported): boolean {
  return status.conditions.some(
    ({ type, status: value }) =>
      type === 'Degraded' || (type === 'Programmed' && value === 'False'),
  );
}

function isReported({ inForce, reported, state }: Held): boolean {
  const status = reported?.data.status;
  return (
    state.status !== 'absent' &&
    status?.configVersion === inForce?.sequence &&
    status?.observedGeneration === state.generation
  );
}

function generationInForce(state: Held['state']): number {
  if (state.status === 'absent') return 0;
  return state.status === 'rejected' ? (state.lastGood?.generation ?? 0) : state.generation;
}
