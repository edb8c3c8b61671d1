import type { Cell } from '../../../../runtime/count.ts';
import type { CopyBudget } from '../../../limits/copy-budget.ts';

/** What all copies of one mirror may hold, over all threads. */
export type ByteAllowance = {
  readonly bufferedBytes: number;
  readonly budget: Pick<CopyBudget, 'take' | 'give'>;
  readonly gauge: Pick<Cell, 'add'>;
};

/** What is held for one purpose, accounted for until given back. */
export class ByteAccount {
  readonly #allowance: ByteAllowance;
  #taken = 0;

  constructor(allowance: ByteAllowance) {
    this.#allowance = allowance;
  }

  /** Whether so much more may be held. */
  take(bytes: number): boolean {
    const { budget, bufferedBytes, gauge } = this.#allowance;
    if (!budget.take('bytes', bytes, bufferedBytes)) return false;
    gauge.add(bytes);
    this.#taken += bytes;
    return true;
  }

  /** Later calls do nothing. */
  giveBack(): void {
    if (this.#taken === 0) return;
    this.#allowance.budget.give('bytes', this.#taken);
    this.#allowance.gauge.add(-this.#taken);
    this.#taken = 0;
  }
}
