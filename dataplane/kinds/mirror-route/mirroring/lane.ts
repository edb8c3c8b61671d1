import type {
  MirrorConfig,
  OriginConfig,
} from '../../../../contracts/kinds/mirror-route/config.ts';
import type { MeterScope } from '../../../../runtime/count.ts';
import type { Admission } from '../../../limits/circuit-breaker.ts';
import type { CopyBudget, Settlement } from '../../../limits/copy-budget.ts';
import type { Circumstances } from './circumstances.ts';
import { createMirrorMeters, type MirrorLabels, type MirrorMeters } from './mirror-meters.ts';
import { SendQueue } from './send-queue.ts';
import type { SkipReason } from './skip-reasons.ts';

/** What all versions of a mirror have in common in one thread: its accounts, who waits, its counters. */
export class Lane {
  readonly budget: CopyBudget;
  readonly meters: MirrorMeters;
  readonly queue: SendQueue;
  /** Copies that have begun and not ended: a request that is not whole yet waits in no queue. */
  open = 0;
  readonly #closeMeters: () => void;
  #newest: MirrorConfig;

  /** `scope`: its series, which go with it. */
  constructor(budget: CopyBudget, scope: MeterScope, labels: MirrorLabels, config: MirrorConfig) {
    const meters = createMirrorMeters(scope, labels);
    this.#closeMeters = scope.close;
    this.budget = budget;
    this.meters = meters;
    this.queue = new SendQueue(budget, meters, config.limits);
    this.#newest = config;
  }

  /** Newer limits hold at once. Another origin is another mirror: the failures of the one before are not its. */
  follow(config: MirrorConfig): void {
    if (!isSameOrigin(config.origin, this.#newest.origin)) this.budget.closeBreaker();
    this.#newest = config;
    this.queue.limits = config.limits;
  }

  /** Nothing begins under it any more, and what is under way is cut. */
  close(): void {
    this.queue.close();
    this.#closeMeters();
  }

  /** A copy is not sent. */
  skipped(reason: SkipReason, clock: Pick<Circumstances, 'nowMs'>): void {
    this.meters.skipped(reason);
    if (reason === 'queue_full' || reason === 'buffer_bytes') this.budget.exhausted(clock.nowMs());
  }

  /** What the breaker says to a copy to `origin`: nothing, if that is not the one it watches any more. */
  admit(origin: OriginConfig, nowMs: number): Admission {
    const { origin: newest, circuitBreaker } = this.#newest;
    return isSameOrigin(origin, newest) ? this.budget.admit(circuitBreaker, nowMs) : 'all';
  }

  /** Tells the breaker what a copy to `origin` came to. */
  settle(settlement: Settlement, origin: OriginConfig, probe: boolean, nowMs: number): void {
    const { origin: newest, circuitBreaker } = this.#newest;
    if (isSameOrigin(origin, newest)) this.budget.settle(settlement, probe, circuitBreaker, nowMs);
  }
}

function isSameOrigin(one: OriginConfig, other: OriginConfig): boolean {
  if (one === other) return true;
  const isSamePlace = one.host === other.host && one.port === other.port;
  return isSamePlace && one.protocol === other.protocol && tlsText(one) === tlsText(other);
}

/** A mirror that failed for want of trust is tried again as soon as that has changed. */
function tlsText(origin: OriginConfig): string {
  return origin.scheme === 'http' ? '' : JSON.stringify(origin.tls);
}
