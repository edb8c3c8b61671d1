import type { CircuitBreakerConfig } from '../../contracts/kinds/mirror-route/config.ts';

/**
 * Whether copies may be sent to a mirror that has been failing. Pure: who asks gives the time.
 *
 *   closed ─ failures in a row ─▶ open ─ its time is over ─▶ probing ─ answered ─▶ closed
 *                                   ◀── failed: twice as long ──┘
 */
export type Breaker =
  | {
      readonly is: 'closed';
      /** In a row; the first of them came at `sinceMs`. */
      readonly failures: number;
      readonly sinceMs: number;
    }
  | { readonly is: 'open'; readonly untilMs: number; readonly doublings: number }
  /** One copy is under way, of this thread: it decides. */
  | { readonly is: 'probing'; readonly worker: number; readonly doublings: number };

export type Admission = 'all' | 'probe' | 'none';

/** What may be sent now. */
export function admission(
  breaker: Breaker,
  config: CircuitBreakerConfig,
  nowMs: number,
): Admission {
  if (config.consecutiveFailures === 0 || breaker.is === 'closed') return 'all';
  if (breaker.is === 'probing') return 'none';
  const leftMs = breaker.untilMs - nowMs;
  // More than it was ever given is left only when the clock was set back.
  return leftMs <= 0 || leftMs > config.maxOpenForMs ? 'probe' : 'none';
}

/** `of`: the thread whose copy failed, and whether that copy was the probe. */
export function afterFailure(
  breaker: Breaker,
  of: { readonly worker: number; readonly probe: boolean },
  config: CircuitBreakerConfig,
  nowMs: number,
): Breaker {
  if (config.consecutiveFailures === 0) return untroubled;
  if (breaker.is === 'closed') {
    const sinceNow = breaker.failures === 0 || nowMs - breaker.sinceMs > config.intervalMs;
    const failures = sinceNow ? 1 : breaker.failures + 1;
    if (failures >= config.consecutiveFailures) return opened(0, config, nowMs);
    return { is: 'closed', failures, sinceMs: sinceNow ? nowMs : breaker.sinceMs };
  }
  return isTheProbe(breaker, of) ? opened(breaker.doublings + 1, config, nowMs) : breaker;
}

/** An answer of a copy that was sent before it opened closes nothing. */
export function afterSuccess(
  breaker: Breaker,
  of: { readonly worker: number; readonly probe: boolean },
): Breaker {
  return breaker.is === 'closed' || isTheProbe(breaker, of) ? untroubled : breaker;
}

/** The probe came to nothing that says anything of the mirror: the next copy is one. */
export function afterLostProbe(breaker: Breaker, worker: number): Breaker {
  if (!isTheProbe(breaker, { worker, probe: true })) return breaker;
  return { is: 'open', untilMs: 0, doublings: breaker.doublings };
}

export const untroubled: Breaker = { is: 'closed', failures: 0, sinceMs: 0 };

function opened(
  doublings: number,
  { openForMs, maxOpenForMs }: CircuitBreakerConfig,
  nowMs: number,
): Breaker {
  const counted = Math.min(doublings, maxDoublings);
  const forMs = Math.min(openForMs * 2 ** counted, maxOpenForMs);
  return { is: 'open', untilMs: nowMs + forMs, doublings: counted };
}

function isTheProbe(
  breaker: Breaker,
  { worker, probe }: { readonly worker: number; readonly probe: boolean },
): breaker is Breaker & { readonly is: 'probing' } {
  return probe && breaker.is === 'probing' && breaker.worker === worker;
}

/*
 * In one 64-bit word, so that threads can change it at once or not at all:
 *
 *   milliseconds (42 bits) | code (2) | failures, or worker (15) and doublings (5)
 */
const codes = { closed: 0n, open: 1n, probing: 2n } as const;
const maxFailures = 2 ** 20 - 1;
const maxDoublings = 2 ** 5 - 1;

export function packBreaker(breaker: Breaker): bigint {
  switch (breaker.is) {
    case 'closed':
      return pack(breaker.sinceMs, codes.closed, Math.min(breaker.failures, maxFailures));
    case 'open':
      return pack(breaker.untilMs, codes.open, breaker.doublings);
    case 'probing':
      return pack(0, codes.probing, breaker.worker * (maxDoublings + 1) + breaker.doublings);
  }
}

export function unpackBreaker(word: bigint): Breaker {
  if (word === 0n) return untroubled;
  const ms = Number(word >> 22n);
  const low = Number(word & 0xf_ffffn);
  switch ((word >> 20n) & 3n) {
    case codes.open:
      return { is: 'open', untilMs: ms, doublings: low };
    case codes.probing: {
      const doublings = low % (maxDoublings + 1);
      return { is: 'probing', worker: (low - doublings) / (maxDoublings + 1), doublings };
    }
    default:
      return { is: 'closed', failures: low, sinceMs: ms };
  }
}

function pack(ms: number, code: bigint, low: number): bigint {
  return (BigInt(ms) << 22n) | (code << 20n) | BigInt(low);
}
