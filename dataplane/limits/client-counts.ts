import type { Ip } from '../protocols/ip-address.ts';
import type { Counted } from './shared-limits.ts';

/**
 * How many connections and tunnels each client address has, over all serving threads: a hash table
 * in shared memory, in stripes that are locked one at a time for a few dozen nanoseconds.
 *
 *   stripe: lock (0, or 1 + who holds it) | slot × 64;   slot: key (2 words) | connections, tunnels | the same per thread
 */
export type ClientCounts = {
  /** Takes one of `limit` places of this client; `0` counts without a limit. */
  take(what: Counted, client: Ip, limit: number): boolean;
  give(what: Counted, client: Ip): void;
};

const stripes = 256;
const slotsPerStripe = 64;
const keyWords = 2;
const counted: Readonly<Record<Counted, number>> = { connections: 0, tunnels: 1 };

const slotWords = (workers: number) => keyWords + 2 + 2 * workers;
const stripeWords = (workers: number) => 1 + slotsPerStripe * slotWords(workers);

/** About 400 KiB with one thread: taken only where a per-client limit is set. */
export function clientCountsMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(stripes * stripeWords(workers) * Int32Array.BYTES_PER_ELEMENT);
}

/** `seed` is random and the same in every thread: nobody can choose addresses that collide. */
export function openClientCounts(
  memory: SharedArrayBuffer,
  { worker, workers, seed }: { worker: number; workers: number; seed: number },
): ClientCounts {
  const words = new Int32Array(memory);

  /** `use` gets the slot of this client; `null`: there is none, or no room for one. */
  function withSlot<Result>(
    client: Ip,
    fresh: boolean,
    use: (slot: number | null) => Result,
  ): Result {
    const high = hash(client, seed);
    const low = hash(client, ~seed) | 1; // never 0: an empty slot has no key
    const stripe = (high >>> 24) * stripeWords(workers);
    lock(words, stripe, worker);
    try {
      const slots = { first: stripe + 1, size: slotWords(workers) };
      return use(findSlot(words, slots, { high, low }, fresh));
    } finally {
      Atomics.store(words, stripe, 0);
    }
  }

  const add = (slot: number, what: Counted, amount: number) => {
    const total = slot + keyWords + counted[what];
    const own = total + 2 + 2 * worker;
    words[total] = (words[total] ?? 0) + amount;
    words[own] = (words[own] ?? 0) + amount;
  };

  return {
    take: (what, client, limit) =>
      withSlot(client, true, (slot) => {
        if (slot === null) return false;
        if (limit > 0 && (words[slot + keyWords + counted[what]] ?? 0) >= limit) return false;
        add(slot, what, 1);
        return true;
      }),
    give: (what, client) =>
      withSlot(client, false, (slot) => {
        if (slot !== null) add(slot, what, -1);
      }),
  };
}

/** Spins: whoever holds it lets go within a microsecond, unless it died, and then it may be taken over. */
function lock(words: Int32Array, stripe: number, worker: number, dead: number | null = null): void {
  for (;;) {
    const holder = Atomics.compareExchange(words, stripe, 0, 1 + worker);
    if (holder === 0 || (dead !== null && holder === 1 + dead)) return;
  }
}

/** The slot of this key; a `fresh` one is one that nobody counts in any more. `null`: there is none. */
function findSlot(
  words: Int32Array,
  { first, size }: { first: number; size: number },
  { high, low }: { high: number; low: number },
  fresh: boolean,
): number | null {
  let free: number | null = null;
  for (let slot = first; slot < first + slotsPerStripe * size; slot += size) {
    if (words[slot] === high && words[slot + 1] === low) return slot;
    const empty = words[slot + keyWords] === 0 && words[slot + keyWords + 1] === 0;
    if (free === null && empty) free = slot;
  }
  if (free === null || !fresh) return null;
  words[free] = high;
  words[free + 1] = low;
  return free;
}

/** Gives back what a dead thread held, locks included. */
export function reclaimClientCounts(
  memory: SharedArrayBuffer,
  workers: number,
  worker: number,
): void {
  const words = new Int32Array(memory);
  const size = slotWords(workers);
  for (let stripe = 0; stripe < words.length; stripe += stripeWords(workers)) {
    lock(words, stripe, workers, worker);
    for (let slot = stripe + 1; slot < stripe + stripeWords(workers); slot += size) {
      for (const at of Object.values(counted)) forget(words, slot + keyWords + at, workers, worker);
    }
    Atomics.store(words, stripe, 0);
  }
}

/** The total of a slot without one thread, added up anew: the thread may have died while it counted. */
function forget(words: Int32Array, total: number, workers: number, worker: number): void {
  words[total + 2 + 2 * worker] = 0;
  let sum = 0;
  for (let other = 0; other < workers; other++) sum += words[total + 2 + 2 * other] ?? 0;
  words[total] = sum;
}

/** murmur3's mixing over the four words of the address. */
function hash({ words }: Ip, seed: number): number {
  let mixed = seed | 0;
  for (const word of words) {
    let key = Math.imul(word, 0xcc9e2d51);
    key = (key << 15) | (key >>> 17);
    mixed ^= Math.imul(key, 0x1b873593);
    mixed = Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64;
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}
