import type { Acknowledgement, Refusal } from '../../contracts/acknowledgement.ts';
import type { HealthReport } from '../../contracts/health-report.ts';
import type { PodCounts } from '../pool-gauges.ts';

/** What is known of one pod, judged by when it was heard of here and not by its own clock. */
export type Pod = {
  readonly name: string;
  readonly applied: number;
  readonly refusals: readonly Refusal[];
  /** More refusals than it could list: of what it lists not, nothing is known. */
  readonly listsAllRefusals: boolean;
  /** `null`: it says nothing about parts. */
  readonly health: HealthReport | null;
  readonly heardAtMs: number;
  readonly reachable: boolean;
};

/** A pod has come from one sequence to another; from 0 if it came, went, or was silent before. */
export type Progress = {
  readonly pool: string;
  readonly from: number;
  readonly to: number;
  /** Of which it says something else than before about their parts. */
  readonly resources: readonly string[];
};

export type Pods = {
  /** Which life of the log acknowledgements have to speak of; forgets everybody. */
  begin(logId: string, nowMs: number): void;
  /** Answers what it changes in what is known; `null`: nothing. */
  receive(acknowledgement: Acknowledgement, nowMs: number): Progress | null;
  /** The log is out of reach: nobody can be heard, and so nobody grows more silent. */
  outageBegan(nowMs: number): void;
  /** The log was out of reach until now: nobody could be heard. */
  outageEnded(nowMs: number): void;
  inPool(pool: string, nowMs: number): readonly Pod[];
  /** The sealing keys that every live pod of a pool holds; `null`: there is no live pod. */
  keysHeldByAll(pool: string, nowMs: number): ReadonlySet<string> | null;
  /** By pool, everybody who was heard of. */
  counts(nowMs: number): ReadonlyMap<string, PodCounts>;
  /** Forgets who is gone, or has been silent for long while nobody knows; answers the pools in which somebody fell silent or was forgotten. */
  sweep(nowMs: number): ReadonlySet<string>;
  /** Whether it is too early to miss anybody. */
  tooEarly(nowMs: number): boolean;
  /** The highest sequence any pod has named. */
  highestApplied(): number;
};

/** More than a heartbeat: who goes on speaking is there, whoever denies it. */
const missedHeartbeatMs = 5_000;
const silentAfterMs = 10_000;
const forgottenAfterMs = 30_000;
const graceMs = 15_000;

type Heard = {
  readonly acknowledgement: Acknowledgement;
  readonly heardAtMs: number;
  calledSilent: boolean;
};

/** Whether a pod is still there, by those who run pods; `null`: nobody knows. */
export type PodExists = (pool: string, name: string) => boolean | null;

export function createPods(exists: PodExists = () => null): Pods {
  const heard = new Map<string, Heard>();
  let logId = '';
  let judgeFromMs = 0;
  /** Since when nobody can be heard. */
  let deafSinceMs = Number.POSITIVE_INFINITY;

  const tooEarly = (nowMs: number) => Math.min(nowMs, deafSinceMs) < judgeFromMs;
  const silentFor = ({ heardAtMs }: Heard, nowMs: number) =>
    tooEarly(nowMs) ? 0 : Math.min(nowMs, deafSinceMs) - heardAtMs;

  return {
    begin(newLogId, nowMs) {
      heard.clear();
      logId = newLogId;
      judgeFromMs = nowMs + graceMs;
      deafSinceMs = Number.POSITIVE_INFINITY;
    },
    receive(acknowledgement, nowMs) {
      const id = `${acknowledgement.pool}/${acknowledgement.instance}`;
      const { pool, applied } = acknowledgement;
      if (acknowledgement.logId !== logId) return null;
      const before = heard.get(id);
      if (acknowledgement.draining) {
        const all = { pool, from: 0, to: Number.POSITIVE_INFINITY, resources: [] };
        return heard.delete(id) ? all : null;
      }
      // A pod counts from its first complete snapshot on.
      if (applied === 0 && before === undefined) return null;
      heard.set(id, { acknowledgement, heardAtMs: nowMs, calledSilent: false });
      return progressOf(before, acknowledgement);
    },
    outageBegan(nowMs) {
      deafSinceMs = Math.min(deafSinceMs, nowMs);
    },
    outageEnded(nowMs) {
      deafSinceMs = Number.POSITIVE_INFINITY;
      judgeFromMs = nowMs + graceMs;
    },
    inPool(pool, nowMs) {
      return [...heard.values()]
        .filter(({ acknowledgement }) => acknowledgement.pool === pool)
        .map((each) => toPod(each, silentFor(each, nowMs) <= silentAfterMs));
    },
    keysHeldByAll(pool, nowMs) {
      const live = heard
        .values()
        .filter((each) => silentFor(each, nowMs) <= silentAfterMs)
        .map(({ acknowledgement }) => acknowledgement)
        .filter((each) => each.pool === pool)
        .map(({ keyIds }) => new Set(keyIds));
      return live.reduce<ReadonlySet<string> | null>(
        (held, keyIds) => held?.intersection(keyIds) ?? keyIds,
        null,
      );
    },
    counts(nowMs) {
      const counts = new Map<string, PodCounts>();
      for (const each of heard.values()) {
        const { pool, refusalCount } = each.acknowledgement;
        const { live, silent, refusals } = counts.get(pool) ?? { live: 0, silent: 0, refusals: 0 };
        const isLive = silentFor(each, nowMs) <= silentAfterMs;
        counts.set(pool, {
          live: live + (isLive ? 1 : 0),
          silent: silent + (isLive ? 0 : 1),
          refusals: refusals + (isLive ? refusalCount : 0),
        });
      }
      return counts;
    },
    sweep(nowMs) {
      const changed = new Set<string>();
      for (const [id, each] of heard) {
        const silentMs = silentFor(each, nowMs);
        const { pool, instance } = each.acknowledgement;
        const isThere = silentMs > missedHeartbeatMs ? exists(pool, instance) : null;
        if (silentMs > silentAfterMs && !each.calledSilent) {
          each.calledSilent = true;
          changed.add(pool);
        }
        if (isThere === false || (isThere === null && silentMs > forgottenAfterMs)) {
          heard.delete(id);
          changed.add(pool);
        }
      }
      return changed;
    },
    tooEarly,
    highestApplied: () =>
      Math.max(0, ...[...heard.values()].map(({ acknowledgement }) => acknowledgement.applied)),
  };
}

function progressOf(before: Heard | undefined, newest: Acknowledgement): Progress | null {
  const { pool, applied } = newest;
  const said = before?.acknowledgement;
  const resources = resourcesThatDiffer(said?.health, newest.health);
  if (said === undefined || before?.calledSilent) return { pool, from: 0, to: applied, resources };
  const isSame =
    said.applied === applied &&
    said.digest === newest.digest &&
    JSON.stringify(said.refusals) === JSON.stringify(newest.refusals) &&
    said.keyIds.join() === newest.keyIds.join() &&
    JSON.stringify(said.health) === JSON.stringify(newest.health);
  return isSame ? null : { pool, from: said.applied, to: applied, resources };
}

function resourcesThatDiffer(
  before: HealthReport | undefined,
  newest: HealthReport | undefined,
): readonly string[] {
  const resourceOf = (report: HealthReport | undefined) =>
    new Map(report?.troubles.map((each) => [JSON.stringify(each), each.resource]));
  const [gone, come] = [resourceOf(before), resourceOf(newest)];
  const differing = new Set(gone.keys()).symmetricDifference(come);
  return [...new Set([...differing].map((text) => gone.get(text) ?? come.get(text) ?? ''))];
}

function toPod({ acknowledgement, heardAtMs }: Heard, reachable: boolean): Pod {
  const { instance, applied, refusals, refusalCount, health = null } = acknowledgement;
  return {
    name: instance,
    applied,
    refusals,
    listsAllRefusals: refusalCount <= refusals.length,
    health,
    heardAtMs,
    reachable,
  };
}
