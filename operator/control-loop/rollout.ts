import type { Refusal } from '../../contracts/acknowledgement.ts';
import { type Lagging, maxLagging, type Propagation } from '../../contracts/status.ts';
import type { RolloutFacts } from '../kinds/conditions.ts';
import type { HealthFacts } from '../kinds/health.ts';
import type { Pod } from './pods.ts';

/** One version on its way to the pods. */
export type Rollout = {
  /** `ForwardProxy/team-a/egress` */
  readonly resource: string;
  readonly sequence: number;
  readonly generation: number;
  readonly publishedAt: string;
  /** False if it was published before anybody here listened: how long it took is not known. */
  readonly measured: boolean;
  /** Pod → milliseconds from publication to its acknowledgement. */
  readonly arrivals: ReadonlyMap<string, number>;
  /** Set when every live pod served it, and kept from then on. */
  readonly completed: Propagation | null;
};

const behindAfterMs = 10_000;

/** Notes which pods have arrived and whether the rollout is complete by now. Pure. */
export function advance(rollout: Rollout, pods: readonly Pod[], nowMs: number): Rollout {
  if (rollout.completed !== null) return rollout;
  const arrivals = new Map(rollout.arrivals);
  for (const pod of pods) {
    if (rollout.measured && serves(pod, rollout) && !arrivals.has(pod.name)) {
      arrivals.set(pod.name, Math.max(0, nowMs - Date.parse(rollout.publishedAt)));
    }
  }
  const advanced = { ...rollout, arrivals };
  const live = pods.filter(({ reachable }) => reachable);
  const isComplete = live.length > 0 && live.every((pod) => serves(pod, rollout));
  if (!isComplete) return advanced;
  return { ...advanced, completed: propagationOf(advanced, pods, nowMs) };
}

/** Who serves it, who does not, who refused. */
export function factsOf(
  rollout: Rollout,
  pods: readonly Pod[],
  nowMs: number,
  tooEarly: boolean,
): RolloutFacts {
  const live = pods.filter(({ reachable }) => reachable);
  const pending = live.filter((pod) => !serves(pod, rollout) && refusalOf(pod, rollout) === null);
  const isOverdue = nowMs - Date.parse(rollout.publishedAt) > behindAfterMs;
  return {
    sequence: rollout.sequence,
    acked: names(live.filter((pod) => serves(pod, rollout))),
    pending: names(pending),
    behind: isOverdue ? names(pending) : [],
    refused: live.flatMap((pod) => {
      const refusal = refusalOf(pod, rollout);
      return refusal === null ? [] : [{ pod: pod.name, refusal }];
    }),
    unreachable: names(pods.filter(({ reachable }) => !reachable)),
    tooEarly,
  };
}

/** What live pods say of the parts of the resource. Those that never say anything do not count. */
export function healthFactsOf(
  rollout: Rollout,
  pods: readonly Pod[],
  tooEarly: boolean,
): HealthFacts {
  const reports = pods.flatMap((pod) =>
    pod.reachable && pod.health !== null ? [{ pod, ...pod.health }] : [],
  );
  const isPending = (pod: Pod) => !serves(pod, rollout) && refusalOf(pod, rollout) === null;
  return {
    troubles: reports
      .flatMap(({ troubles }) => troubles)
      .filter(({ resource }) => resource === rollout.resource),
    isTold: reports.some(({ pod }) => serves(pod, rollout)),
    isIncomplete:
      tooEarly ||
      reports.some(
        ({ pod, troubles, troubleCount }) => isPending(pod) || troubleCount > troubles.length,
      ),
  };
}

/** How far it has come. Once complete it is frozen, until a pod refuses it or falls behind. */
export function propagationOf(rollout: Rollout, pods: readonly Pod[], nowMs: number): Propagation {
  const facts = factsOf(rollout, pods, nowMs, false);
  const isTroubled = facts.refused.length > 0 || facts.behind.length > 0;
  if (rollout.completed !== null && !isTroubled) return rollout.completed;

  const { acked, pending, refused, unreachable } = facts;
  const desired = acked.length + pending.length + refused.length;
  const isComplete = desired > 0 && acked.length === desired;
  const times = [...rollout.arrivals.values()].sort((a, b) => a - b);
  return {
    generation: rollout.generation,
    state: isTroubled ? 'Degraded' : stateOf(acked.length, isComplete),
    publishedAt: rollout.publishedAt,
    completedAt: rollout.completed?.completedAt ?? (isComplete ? isoTime(nowMs) : null),
    desired,
    acked: acked.length,
    nacked: refused.length,
    unreachable: unreachable.length,
    first: quantile(times, 0),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    max: quantile(times, 1),
    lagging: laggingOf(rollout, pods),
  };
}

function stateOf(acked: number, isComplete: boolean): Propagation['state'] {
  if (isComplete) return 'Complete';
  return acked > 0 ? 'Partial' : 'Pending';
}

function serves(pod: Pod, rollout: Rollout): boolean {
  if (pod.applied < rollout.sequence) return false;
  return pod.listsAllRefusals && refusalOf(pod, rollout) === null;
}

function refusalOf(pod: Pod, { resource, sequence }: Rollout): Refusal | null {
  return (
    pod.refusals.find((each) => each.resource === resource && each.sequence === sequence) ?? null
  );
}

function laggingOf(rollout: Rollout, pods: readonly Pod[]): readonly Lagging[] {
  return pods
    .filter((pod) => !pod.reachable || !serves(pod, rollout))
    .slice(0, maxLagging)
    .map((pod) => ({
      pod: pod.name,
      version: pod.applied,
      since: isoTime(pod.heardAtMs),
      error: refusalOf(pod, rollout)?.message.slice(0, 1024) ?? null,
    }));
}

/** The nearest rank: always a time that some pod really took. */
function quantile(sorted: readonly number[], q: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  return value === undefined ? null : Math.round(value * 100) / 100;
}

function names(pods: readonly Pod[]): readonly string[] {
  return pods.map(({ name }) => name);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
