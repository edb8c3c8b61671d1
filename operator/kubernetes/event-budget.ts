/** How much may be said: so much at once, then so much per second. */
export type Budget = {
  /** Takes one, if there is one. */
  take(nowMs: number): boolean;
};

export function createBudget(atOnce: number, perSecond: number): Budget {
  let left = atOnce;
  let atMs = Number.NEGATIVE_INFINITY;
  return {
    take(nowMs) {
      if (atMs !== Number.NEGATIVE_INFINITY) {
        left = Math.min(atOnce, left + ((nowMs - atMs) / 1000) * perSecond);
      }
      atMs = nowMs;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
