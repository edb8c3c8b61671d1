/**
 * What all serving threads of a pod account for together. Each count is kept twice, in total and
 * per thread, so that a thread that dies gives back what it held. No thread ever waits for another
 * one: each decision is one compare-and-exchange.
 *
 *   totals, one per account | per thread: steps, one per account     (32 bits each)
 */
export type PodAccounts<Account extends string> = {
  /** Takes `amount` of `limit`, or says no and takes nothing. */
  take(account: Account, amount: number, limit: number): boolean;
  give(account: Account, amount: number): void;
  /** What all threads hold. */
  total(account: Account): number;
};

/** Counts are 32 bits wide: in bytes, 4 GiB is more than a pod will ever hold of bodies. */
const most = 2 ** 32 - 1;

/** Far more than it takes, unless another thread has died between its two counts: then its own turn mends both. */
const maxLooks = 100_000;

/** How accounts of these names are laid out in words that all threads share. */
export class AccountLayout<Account extends string> {
  readonly #at: Readonly<Record<Account, number>>;
  readonly #count: number;

  constructor(accounts: readonly Account[]) {
    this.#count = accounts.length;
    // Each of the accounts is a key of it.
    this.#at = Object.fromEntries(accounts.map((account, at) => [account, at])) as Record<
      Account,
      number
    >;
  }

  /** Of the accounts of so many threads. */
  bytes(workers: number): number {
    return this.#stepsAt(workers) * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** @param counts All of {@link bytes}, and zero at first */
  open(counts: Uint32Array, worker: number): PodAccounts<Account> {
    const at = this.#at;
    const steps = this.#stepsAt(worker);
    const own = this.#ownAt(worker);
    return {
      take(account, amount, limit) {
        Atomics.add(counts, steps, 1);
        const taken = addWithin(counts, at[account], amount, Math.min(limit, most));
        if (taken) Atomics.add(counts, own + at[account], amount);
        Atomics.add(counts, steps, 1);
        return taken;
      },
      give(account, amount) {
        Atomics.add(counts, steps, 1);
        Atomics.sub(counts, at[account], amount);
        Atomics.sub(counts, own + at[account], amount);
        Atomics.add(counts, steps, 1);
      },
      total: (account) => Atomics.load(counts, at[account]),
    };
  }

  /** Gives back what a dead thread held. */
  reclaim(counts: Uint32Array, worker: number): void {
    const held = this.#heldBy(counts, worker);
    for (const [at, amount] of held.entries()) {
      Atomics.store(counts, this.#ownAt(worker) + at, 0);
      Atomics.sub(counts, at, amount);
    }
    Atomics.store(counts, this.#stepsAt(worker), 0);
  }

  /** Odd while its thread is between the two counts. */
  #stepsAt(worker: number): number {
    return this.#count + (1 + this.#count) * worker;
  }

  #ownAt(worker: number): number {
    return this.#stepsAt(worker) + 1;
  }

  /**
   * What of the totals is not of any other thread. Its own count does not tell: it may have died
   * between the two (measured: under load every third thread that is terminated does). So all others
   * are looked at until none of them has taken a step meanwhile.
   */
  #heldBy(counts: Uint32Array, dead: number): readonly number[] {
    const others: number[] = [];
    for (let worker = 0; this.#stepsAt(worker) < counts.length; worker++) {
      if (worker !== dead) others.push(worker);
    }
    const accounts = Object.values<number>(this.#at);
    const stepsOf = (worker: number) => Atomics.load(counts, this.#stepsAt(worker));
    for (let look = 0; look < maxLooks; look++) {
      const steps = others.map(stepsOf);
      const held = accounts.map((at) => {
        const ofOthers = others.map((worker) => Atomics.load(counts, this.#ownAt(worker) + at));
        return ofOthers.reduce((left, own) => left - own, Atomics.load(counts, at));
      });
      const still = others.every((worker, at) => steps[at] === stepsOf(worker));
      if (still && steps.every((taken) => taken % 2 === 0)) return held;
    }
    return accounts.map((at) => Atomics.load(counts, this.#ownAt(dead) + at));
  }
}

function addWithin(counts: Uint32Array, at: number, amount: number, limit: number): boolean {
  let held = Atomics.load(counts, at);
  while (held + amount <= limit) {
    const found = Atomics.compareExchange(counts, at, held, held + amount);
    if (found === held) return true;
    held = found;
  }
  return false;
}
