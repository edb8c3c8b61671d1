import type { MirrorLimits } from '../../../../contracts/kinds/mirror-route/config.ts';
import type { Cell } from '../../../../runtime/count.ts';
import type { CopyBudget } from '../../../limits/copy-budget.ts';
import type { SkipReason } from './skip-reasons.ts';

/** What waits for a place and then has it, until {@link SendQueue.ended}. */
export type Sendable = {
  start(): void;
  skip(reason: SkipReason): void;
  sweep(nowMs: number): void;
  cut(): void;
};

/** What it shows of itself. */
type QueueGauges = {
  readonly inflight: Pick<Cell, 'add'>;
  readonly queued: Pick<Cell, 'add'>;
};

type QueueLimits = Pick<MirrorLimits, 'concurrent' | 'queue'>;

/**
 * Who may send to one mirror, in the order they came. The places are those of the whole pod: for one
 * that comes free here while copies of other threads wait, every other time a thread that waits is
 * woken, so nobody polls and nobody starves. The sweep looks after what a thread that died may have
 * been about to do.
 */
export class SendQueue {
  readonly #budget: CopyBudget;
  readonly #gauges: QueueGauges;
  readonly #waiting: Sendable[] = [];
  readonly #underWay = new Set<Sendable>();
  #limits: QueueLimits;
  #starting = false;
  #listening = false;
  #othersFirst = false;
  #closed = false;

  constructor(budget: CopyBudget, gauges: QueueGauges, limits: QueueLimits) {
    this.#budget = budget;
    this.#gauges = gauges;
    this.#limits = limits;
  }

  /** Under way or waiting. */
  get size(): number {
    return this.#underWay.size + this.#waiting.length;
  }

  /** Whether one that came now would be skipped. */
  get isFull(): boolean {
    const { concurrent, queue } = this.#limits;
    if (this.#budget.total('queued') < queue) return false;
    return this.#waiting.length > 0 || this.#budget.total('underWay') >= concurrent;
  }

  set limits(limits: QueueLimits) {
    this.#limits = limits;
    this.#startWaiting();
  }

  /** Starts it, now or when it is its turn, or skips it: the newest goes when too many wait. */
  submit(copy: Sendable): void {
    if (this.#closed) return copy.skip('draining');
    if (this.#waiting.length === 0 && this.#takePlace()) return this.#start(copy);
    if (!this.#budget.take('queued', 1, this.#limits.queue)) return copy.skip('queue_full');
    this.#gauges.queued.add(1);
    this.#waiting.push(copy);
    this.#listen();
  }

  /** Gives back the place of a copy that had one. */
  ended(copy: Sendable): void {
    if (!this.#underWay.delete(copy)) return;
    this.#gauges.inflight.add(-1);
    this.#budget.give('underWay', 1);
    // One that ends before it has begun would start the next from within, as deep as the queue is long.
    if (!this.#starting) this.#passOn();
  }

  /** Whoever waits waits for nothing any more. */
  skipWaiting(reason: SkipReason): void {
    for (let next = this.#takeWaiting(); next !== null; next = this.#takeWaiting()) {
      next.skip(reason);
    }
  }

  sweep(nowMs: number): void {
    for (const copy of this.#underWay) copy.sweep(nowMs);
    this.#startWaiting();
  }

  close(): void {
    this.#closed = true;
    this.skipWaiting('draining');
    for (const copy of this.#underWay) copy.cut();
    if (this.#listening) this.#budget.wakeAll(); // or what this thread listens with stays for ever
  }

  #takePlace(): boolean {
    return this.#budget.take('underWay', 1, this.#limits.concurrent);
  }

  #start(copy: Sendable): void {
    this.#underWay.add(copy);
    this.#gauges.inflight.add(1);
    copy.start();
  }

  #takeWaiting(): Sendable | null {
    const next = this.#waiting.shift();
    if (next === undefined) return null;
    this.#budget.give('queued', 1);
    this.#gauges.queued.add(-1);
    return next;
  }

  #startWaiting(): void {
    this.#starting = true;
    while (this.#waiting.length > 0 && this.#takePlace()) {
      const next = this.#takeWaiting();
      if (next !== null) this.#start(next);
    }
    this.#starting = false;
    if (this.#waiting.length === 0 && this.#othersWait()) this.#budget.wakeOne();
  }

  #passOn(): void {
    const woken = this.#othersFirst && this.#othersWait() && this.#budget.wakeOne();
    this.#othersFirst = !woken;
    if (!woken) this.#startWaiting();
  }

  #othersWait(): boolean {
    return this.#budget.total('queued') > this.#waiting.length;
  }

  #listen(): void {
    while (!this.#listening && !this.#closed && this.#waiting.length > 0) {
      const seen = this.#budget.wakes();
      this.#startWaiting(); // a place may have come free before anybody listened
      if (this.#waiting.length === 0) return;
      const wake = this.#budget.nextWake(seen);
      if (wake === null) continue;
      this.#listening = true;
      void wake.then(() => this.#woken());
    }
  }

  /** What it was woken for may not be for this thread after all: then it is for the next. */
  #woken(): void {
    this.#listening = false;
    this.#startWaiting();
    this.#listen();
  }
}
