const firstMs = 2_000;
const longestMs = 300_000;

/**
 * How long an operator stands by after a term. Two installations that share a log by mistake have a
 * lease each: whoever lost to the other keeps away longer each time, instead of fighting for ever.
 */
export type StandDown = {
  /** `contested`: the log had another leader, though the lease was ours. */
  pauseMs(contested: boolean, termLastedMs: number): number;
};

export function createStandDown(): StandDown {
  let lost = 0;
  return {
    pauseMs(contested, termLastedMs) {
      // Longer than anybody keeps away: the other one is gone.
      if (termLastedMs > 2 * longestMs) lost = 0;
      if (!contested) return firstMs;
      lost += 1;
      return Math.min(firstMs * 2 ** (lost - 1), longestMs);
    },
  };
}
