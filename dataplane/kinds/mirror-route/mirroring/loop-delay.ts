import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Whether this thread is late in what it does: then it is for the clients, and not for copies. */
export type LoopDelay = {
  /** Asked once a second or so, of the time since it was last asked with another `nowMs`. */
  busy(nowMs: number): boolean;
  close(): void;
};

/** What is measured is the time from tick to tick: so much even if nothing is late. */
const tickMs = 10;
const busyMs = 20;

/** One for all who watch in this thread: each ticks a hundred times a second. */
let watched: {
  readonly histogram: ReturnType<typeof monitorEventLoopDelay>;
  users: number;
  askedMs: number;
  busy: boolean;
} | null = null;

export function watchLoopDelay(): LoopDelay {
  const watch = watched ?? start();
  watched = watch;
  watch.users++;
  return {
    busy(nowMs) {
      if (nowMs === watch.askedMs) return watch.busy;
      watch.askedMs = nowMs;
      watch.busy = watch.histogram.percentile(99) / 1e6 - tickMs > busyMs;
      watch.histogram.reset();
      return watch.busy;
    },
    close() {
      watch.users--;
      if (watch.users > 0) return;
      watch.histogram.disable();
      watched = null;
    },
  };
}

function start(): NonNullable<typeof watched> {
  const histogram = monitorEventLoopDelay({ resolution: tickMs });
  histogram.enable();
  return { histogram, users: 0, askedMs: 0, busy: false };
}
