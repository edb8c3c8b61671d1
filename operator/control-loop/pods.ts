import type { Acknowledgement, Refusal } from '../../contracts/acknowledgement.ts';

/** What is known of one pod, judged by when it was heard of here and not by its own clock. */
export type Pod = {
  readonly name: string;
  readonly applied: number;
  readonly refusals: readonly Refusal[];
  /** More refusals than it could list: of what it lists not, nothing is known. */
  readonly listsAllRefusals: boolean;
  readonly heardAtMs: number;
  readonly reachable: boolean;
};

export type Pods = {
  /** Which life of the log acknowledgements have to speak of; forgets everybody. */
  begin(logId: string, nowMs: number): void;
  /** Answers whether it changed what is known. */
  receive(acknowledgement: Acknowledgement, nowMs: number): boolean;
  /** The log was out of reach until now: nobody could be heard. */
  outageEnded(nowMs: number): void;
  inPool(pool: string, nowMs: number): readonly Pod[];
  /** Forgets who has been silent for long; answers the pools in which somebody fell silent or was forgotten. */
  sweep(nowMs: number): ReadonlySet<string>;
  /** Whether it is too early to miss anybody. */
  tooEarly(nowMs: number): boolean;
  /** The highest sequence any pod has named. */
  highestApplied(): number;
};

const silentAfterMs = 10_000;
const forgottenAfterMs = 30_000;
const graceMs = 15_000;

type Heard = {
  readonly acknowledgement: Acknowledgement;
  readonly heardAtMs: number;
  calledSilent: boolean;
};

export function createPods(): Pods {
  const heard = new Map<string, Heard>();
  let logId = '';
  let judgeFromMs = 0;

  const silentFor = ({ heardAtMs }: Heard, nowMs: number) =>
    nowMs < judgeFromMs ? 0 : nowMs - heardAtMs;

  return {
    begin(newLogId, nowMs) {
      heard.clear();
      logId = newLogId;
      judgeFromMs = nowMs + graceMs;
    },
    receive(acknowledgement, nowMs) {
      const id = `${acknowledgement.pool}/${acknowledgement.instance}`;
      if (acknowledgement.logId !== logId) return false;
      const before = heard.get(id);
      if (acknowledgement.draining) return heard.delete(id);
      // A pod counts from its first complete snapshot on.
      if (acknowledgement.applied === 0 && before === undefined) return false;
      heard.set(id, { acknowledgement, heardAtMs: nowMs, calledSilent: false });
      return (
        before === undefined ||
        before.calledSilent ||
        before.acknowledgement.applied !== acknowledgement.applied ||
        before.acknowledgement.digest !== acknowledgement.digest ||
        JSON.stringify(before.acknowledgement.refusals) !== JSON.stringify(acknowledgement.refusals)
      );
    },
    outageEnded(nowMs) {
      judgeFromMs = nowMs + graceMs;
    },
    inPool(pool, nowMs) {
      return [...heard.values()]
        .filter(({ acknowledgement }) => acknowledgement.pool === pool)
        .map((each) => toPod(each, silentFor(each, nowMs) <= silentAfterMs));
    },
    sweep(nowMs) {
      const changed = new Set<string>();
      for (const [id, each] of heard) {
        const silentMs = silentFor(each, nowMs);
        if (silentMs > silentAfterMs && !each.calledSilent) {
          each.calledSilent = true;
          changed.add(each.acknowledgement.pool);
        }
        if (silentMs > forgottenAfterMs) {
          heard.delete(id);
          changed.add(each.acknowledgement.pool);
        }
      }
      return changed;
    },
    tooEarly: (nowMs) => nowMs < judgeFromMs,
    highestApplied: () =>
      Math.max(0, ...[...heard.values()].map(({ acknowledgement }) => acknowledgement.applied)),
  };
}

function toPod({ acknowledgement, heardAtMs }: Heard, reachable: boolean): Pod {
  const { instance, applied, refusals, refusalCount } = acknowledgement;
  return {
    name: instance,
    applied,
    refusals,
    listsAllRefusals: refusalCount <= refusals.length,
    heardAtMs,
    reachable,
  };
}
