/** Runs one scan at a time, again when asked to and when the scan itself says so. */
export type Scanner = {
  scanSoon(inMs: number): void;
  stop(): void;
  /** Resolves when no scan runs. */
  idle(): Promise<void>;
};

/** `scan` answers how many milliseconds later the next one is due, and does not reject. */
export function createScanner(scan: () => Promise<number>): Scanner {
  let timer: NodeJS.Timeout | null = null;
  let dueAtMs = Number.POSITIVE_INFINITY;
  let running: Promise<void> | null = null;
  let stopped = false;

  function scanSoon(inMs: number): void {
    const wanted = performance.now() + inMs;
    if (stopped || wanted >= dueAtMs) return;
    dueAtMs = wanted;
    // While a scan runs the time is only noted: what it has already looked at may change now.
    if (running === null) schedule();
  }

  function schedule(): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(start, Math.max(0, dueAtMs - performance.now()));
  }

  function start(): void {
    timer = null;
    dueAtMs = Number.POSITIVE_INFINITY;
    running = run();
  }

  async function run(): Promise<void> {
    const nextInMs = await scan();
    running = null;
    if (stopped) return;
    scanSoon(nextInMs);
    schedule();
  }

  return {
    scanSoon,
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
    },
    async idle() {
      await running;
    },
  };
}
