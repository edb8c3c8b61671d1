import type { CircuitBreakerConfig } from '../../contracts/kinds/mirror-route/config.ts';
import {
  type Admission,
  admission,
  afterFailure,
  afterLostProbe,
  afterSuccess,
  type Breaker,
  packBreaker,
  unpackBreaker,
  untroubled,
} from './circuit-breaker.ts';
import { AccountLayout, type PodAccounts } from './pod-accounts.ts';

/**
 * What all serving threads of a pod account for together of one mirror.
 *
 *   next request (8 bytes) | breaker (8) | exhausted (8) | wakes (4) | accounts
 */
export type CopyBudget = PodAccounts<Accounted> & {
  /** Takes one of the requests of this second; `0`: there is no limit. */
  takeRequest(perSecond: number, nowMs: number): boolean;

  /** What the breaker would let through now. */
  admits(config: CircuitBreakerConfig, nowMs: number): Admission;
  /** The same, and a probe has begun: only one is let through, over all threads. */
  admit(config: CircuitBreakerConfig, nowMs: number): Admission;
  /** What a copy that was admitted came to. `unknown`: nothing that says anything of the mirror. */
  settle(result: Settlement, probe: boolean, config: CircuitBreakerConfig, nowMs: number): void;
  /** Another mirror takes the place of the one that failed. */
  closeBreaker(): void;

  /** A copy was dropped because no place, or none of the bytes, was left. */
  exhausted(nowMs: number): void;

  /** Says that a place is free; whether a thread that waits for one was woken. */
  wakeOne(): boolean;
  /** Grows with each {@link wakeOne}. */
  wakes(): number;
  /** Resolves with the next wake for this thread; `null`: there was one since `wakes()` said `seen`. */
  nextWake(seen: number): Promise<unknown> | null;
  /** Lets go of every thread that waits: those that still want to wait again. */
  wakeAll(): void;
};

/** What whoever serves nothing may see of it. */
export type CopyBudgetView = Pick<CopyBudget, 'admits'> & {
  /** When a copy was dropped last because nothing was left; 0: never. */
  exhaustedAtMs(): number;
};

export type Accounted = 'underWay' | 'queued' | 'bytes';
export type Settlement = 'answered' | 'failed' | 'unknown';

const layout = new AccountLayout<Accounted>(['underWay', 'queued', 'bytes']);

const nextRequestAt = 0;
const breakerAt = 1;
const exhaustedAt = 2;
const longs = 3;
const longBytes = longs * BigUint64Array.BYTES_PER_ELEMENT;
const bellBytes = Int32Array.BYTES_PER_ELEMENT;
const wakesAt = 0;

const nanosecondsPerSecond = 1_000_000_000n;
const nanosecondsPerMs = 1_000_000n;

export function copyBudgetMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(longBytes + bellBytes + layout.bytes(workers));
}

type Words = {
  readonly long: BigUint64Array;
  readonly bell: Int32Array;
  readonly counts: Uint32Array;
};

function wordsOf(memory: SharedArrayBuffer): Words {
  return {
    long: new BigUint64Array(memory, 0, longs),
    bell: new Int32Array(memory, longBytes, 1),
    counts: new Uint32Array(memory, longBytes + bellBytes),
  };
}

export function openCopyBudget(memory: SharedArrayBuffer, worker: number): CopyBudget {
  const { long, bell, counts } = wordsOf(memory);

  function wake(threads: number): number {
    Atomics.add(bell, wakesAt, 1);
    return Atomics.notify(bell, wakesAt, threads);
  }

  return {
    ...layout.open(counts, worker),

    takeRequest: (perSecond, nowMs) => perSecond === 0 || takeRequest(long, perSecond, nowMs),

    admits: (config, nowMs) => admits(long, config, nowMs),
    exhausted: (nowMs) => void Atomics.store(long, exhaustedAt, BigInt(nowMs)),
    admit(config, nowMs) {
      let admitted: Admission = 'all';
      change(long, (breaker) => {
        admitted = admission(breaker, config, nowMs);
        if (admitted !== 'probe' || breaker.is !== 'open') return breaker;
        return { is: 'probing', worker, doublings: breaker.doublings };
      });
      return admitted;
    },
    settle(result, probe, config, nowMs) {
      change(long, (breaker) => {
        switch (result) {
          case 'answered':
            return afterSuccess(breaker, { worker, probe });
          case 'failed':
            return afterFailure(breaker, { worker, probe }, config, nowMs);
          case 'unknown':
            return probe ? afterLostProbe(breaker, worker) : breaker;
        }
      });
    },
    closeBreaker: () => void change(long, () => untroubled),

    wakeOne: () => wake(1) > 0,
    wakes: () => Atomics.load(bell, wakesAt),
    nextWake(seen) {
      const { async, value } = Atomics.waitAsync(bell, wakesAt, seen);
      return async ? value : null;
    },
    wakeAll: () => void wake(Number.POSITIVE_INFINITY),
  };
}

/** The same memory, to look at. */
export function viewCopyBudget(memory: SharedArrayBuffer): CopyBudgetView {
  const { long } = wordsOf(memory);
  return {
    admits: (config, nowMs) => admits(long, config, nowMs),
    exhaustedAtMs: () => Number(Atomics.load(long, exhaustedAt)),
  };
}

/** Gives back what a dead thread held; if it was probing, the next copy of another one is the probe. */
export function reclaimCopyBudget(memory: SharedArrayBuffer, worker: number): void {
  const { long, bell, counts } = wordsOf(memory);
  layout.reclaim(counts, worker);
  change(long, (breaker) => afterLostProbe(breaker, worker));
  Atomics.add(bell, wakesAt, 1);
  Atomics.notify(bell, wakesAt);
}

/** One number says when the next request would be due if all came evenly; a second's worth may come early. */
function takeRequest(long: BigUint64Array, perSecond: number, nowMs: number): boolean {
  const now = BigInt(nowMs) * nanosecondsPerMs;
  const latest = now + nanosecondsPerSecond;
  const each = nanosecondsPerSecond / BigInt(perSecond);
  for (;;) {
    const due = Atomics.load(long, nextRequestAt);
    if (due > latest) {
      // The clock was set back: without this nothing would be let through until it catches up.
      Atomics.compareExchange(long, nextRequestAt, due, latest);
      continue;
    }
    const next = (due > now ? due : now) + each;
    if (next > latest) return false;
    if (Atomics.compareExchange(long, nextRequestAt, due, next) === due) return true;
  }
}

function admits(long: BigUint64Array, config: CircuitBreakerConfig, nowMs: number): Admission {
  return admission(load(long), config, nowMs);
}

function load(long: BigUint64Array): Breaker {
  return unpackBreaker(Atomics.load(long, breakerAt));
}

/** Decides again if another thread was faster. */
function change(long: BigUint64Array, decide: (breaker: Breaker) => Breaker): void {
  for (;;) {
    const word = Atomics.load(long, breakerAt);
    const breaker = unpackBreaker(word);
    const next = decide(breaker);
    if (next === breaker) return;
    const changed = packBreaker(next);
    if (Atomics.compareExchange(long, breakerAt, word, changed) === word) return;
  }
}
