import type { Condition } from '../../contracts/conditions.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { StatusReported } from '../../contracts/status.ts';
import { type Held, servingPoolOf } from './held.ts';
import { createPendingWrites } from './pending-writes.ts';
import type { Pods, Progress } from './pods.ts';
import { advance, factsOf, healthFactsOf, propagationOf, type Rollout } from './rollout.ts';
import type { States } from './states.ts';
import {
  healthSignificanceOf,
  isSettled,
  isUnwell,
  type Obstacle,
  projectStatus,
  type Reach,
  significanceOf,
  speaksOf,
} from './status-projection.ts';
import type { Reported, Statuses } from './statuses.ts';

/** Keeps the status of every resource true, and writes it when it means something new. */
export type StatusReporter = {
  /** The resource was decided upon, or something stands in its way. */
  changed(key: ResourceKey, obstacle?: Obstacle | null): void;
  /** A pod said something new. */
  podSpoke(progress: Progress): void;
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
  readonly statuses: Statuses;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called for everything new, written or not. */
  readonly onStatus: (report: StatusReported) => void;
  /** The version in force is served by every live pod. */
  readonly onArrived: (held: Held) => void;
};

/** What may change with time alone is looked at in turn, so many in a second. */
const looksPerTick = 1_000;

type Shown = {
  readonly report: StatusReported;
  readonly significance: string;
  readonly health: string;
};

export function createStatusReporter(context: Context): StatusReporter {
  const { states, pods, statuses, now, onStatus, onArrived } = context;
  const rollouts = new Map<string, Rollout>();
  const shown = new Map<string, Shown>();
  const obstacles = new Map<string, Obstacle>();
  /** What may change with time alone, or with the next word of a pod: a refused one with any. */
  const open = new Map<string, { readonly key: ResourceKey; readonly refused: boolean }>();
  const unsettled = new Map<string, string>();
  const pending = createPendingWrites(now);
  const beganAtMs = now();
  /** Since when nothing can be known. */
  let frozenAtMs: number | null = null;

  function project<K extends Kind>(held: Held<K>): void {
    const id = formatKey(held.key);
    const reported = statuses.reported(held);
    // During an outage a pod's silence says nothing, and neither does the time it takes.
    const reach = reachOf(id, held, reported, frozenAtMs ?? now());
    if (reach === 'unknown') return note(held, id, null);

    const previous = shown.get(id)?.report ?? reported;
    const report = projectStatus(
      held,
      reach,
      obstacles.get(id) ?? null,
      previous?.status ?? null,
      new Date(now()).toISOString(),
      states.undoneGeneration(held.key),
    );
    if (report === null) return forget(id);

    note(held, id, report);
    show(id, reported, report);
    if (reach?.propagation.state === 'Complete') onArrived(held);
  }

  /** `null`: nobody knows yet. */
  function note(held: Held, id: string, report: StatusReported | null): void {
    const settled = report !== null && isSettled(report);
    if (settled) unsettled.delete(id);
    else unsettled.set(id, servingPoolOf(held));
    if (settled && !isTroubled(report)) open.delete(id);
    else open.set(id, { key: held.key, refused: report === null || isRefused(report) });
  }

  /** Shows what is new; writes what the log does not say yet. */
  function show(id: string, written: Reported | null, report: StatusReported): void {
    const significance = significanceOf(report);
    const health = healthSignificanceOf(report);
    const before = shown.get(id);
    const isNews = before?.significance !== significance || before.health !== health;
    shown.set(id, { report, significance, health });
    if (written === null || significanceOf(written) !== significance) {
      pending.add(id, report.status.configVersion ?? 0, isSettled(report));
    } else if (healthSignificanceOf(written) !== health) pending.addExtra(id);
    else pending.remove(id);
    if (isNews) onStatus(report);
  }

  /** `unknown`: just begun, nobody has spoken yet, and the log holds a status of this very version. */
  function reachOf(
    id: string,
    held: Held,
    reported: Reported | null,
    nowMs: number,
  ): Reach | null | 'unknown' {
    if (held.inForce === null || held.state.status === 'absent') return null;
    const inPool = pods.inPool(servingPoolOf(held), nowMs);
    const tooEarly = pods.tooEarly(nowMs);
    if (tooEarly && inPool.length === 0 && speaksOf(reported?.status ?? null, held))
      return 'unknown';

    const rollout = advance(rolloutOf(id, held, reported), inPool, nowMs);
    rollouts.set(id, rollout);
    return {
      facts: factsOf(rollout, inPool, nowMs, tooEarly),
      propagation: propagationOf(rollout, inPool, nowMs),
      health: healthFactsOf(rollout, inPool, tooEarly),
    };
  }

  function rolloutOf(id: string, { inForce, state }: Held, reported: Reported | null): Rollout {
    const sequence = inForce?.sequence ?? 0;
    const current = rollouts.get(id);
    if (current?.sequence === sequence) return current;
    const before = reported?.status;
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

  /** All that is due at once; what changes meanwhile is written in the next batch. */
  async function write(ids: readonly string[]): Promise<void> {
    const reports = ids.flatMap((id) => shown.get(id)?.report ?? []);
    if (reports.length === 0) return;
    const unwritten = await statuses.write(reports);
    if (unwritten.length > 0) pending.putBack(unwritten.map(formatKey));
  }

  return {
    changed(key, obstacle = null) {
      const id = formatKey(key);
      if (obstacle === null) obstacles.delete(id);
      else obstacles.set(id, obstacle);
      project(states.get(key));
    },
    podSpoke({ pool, from, to, resources }) {
      if (frozenAtMs !== null) return;
      const refusals = pods.inPool(pool, now()).flatMap((pod) => pod.refusals);
      const named = [...refusals.map(({ resource }) => resource), ...resources].flatMap(
        (resource) => parseKey(resource) ?? [],
      );
      const concerned = [...open.values(), ...named.map((key) => ({ key, refused: true }))].flatMap(
        ({ key, refused: mayBeMended }) => {
          const held = states.get(key);
          const { sequence = 0 } = held.inForce ?? {};
          const isReached = mayBeMended || (sequence > from && sequence <= to);
          return isReached && servingPoolOf(held) === pool ? [held] : [];
        },
      );
      for (const held of concerned) project(held);
    },
    tick() {
      // Also during an outage: that a change cannot be recorded has to be written.
      pending.resume();
      if (frozenAtMs !== null) return;
      for (const pool of pods.sweep(now())) projectAll(pool);
      // In turn: one silent pod troubles everything in its pool.
      for (const [id, each] of open.entries().take(looksPerTick).toArray()) {
        open.delete(id);
        open.set(id, each);
        project(states.get(each.key));
      }
    },
    freeze(isFrozen) {
      if (isFrozen) {
        frozenAtMs ??= now();
        return;
      }
      frozenAtMs = null;
      projectAll(null);
    },
    hasArrived: (key) => shown.get(formatKey(key))?.report.status.propagation?.state === 'Complete',
    isSettled: (pools) => ![...unsettled.values()].some((pool) => pools.includes(pool)),
    async run(signal) {
      for await (const ids of pending.batches(signal)) await write(ids);
    },
  };
}

/** Something is wrong with it that may pass. */
function isTroubled(report: StatusReported): boolean {
  const isWithoutPods = ({ type, reason }: Condition) =>
    type === 'Programmed' && reason === 'NoPods';
  const { conditions } = report.status;
  return (
    isRefused(report) ||
    isUnwell(report) ||
    conditions.some((each) => each.type === 'Degraded' || isWithoutPods(each))
  );
}

/** By a pod: it may take that back with whatever it says next. */
function isRefused({ status }: StatusReported): boolean {
  return status.conditions.some(
    ({ type, status: value, reason }) =>
      type === 'Programmed' &&
      value === 'False' &&
      !['Pending', 'NoPods', 'NothingAccepted'].includes(reason),
  );
}

function generationInForce(state: Held['state']): number {
  if (state.status === 'absent') return 0;
  return state.status === 'rejected' ? (state.lastGood?.generation ?? 0) : state.generation;
}
