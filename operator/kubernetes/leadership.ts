import type { Log } from '../../runtime/log.ts';
import { ApiError, type KubernetesApi } from './api.ts';
import { pause } from './backoff.ts';
import { createLease, holderOf, type Lease, leaseSpec } from './lease.ts';
import type { KubernetesObject } from './objects.ts';

/**
 * One operator at a time, by a Lease. A process that was stopped for a while cannot know that it
 * lost: so everything that writes asks `held`, and the log has a fence of its own.
 */
export type Leadership = {
  /** Resolves when this operator leads; rejects when `signal` aborts before. */
  acquire(signal: AbortSignal): Promise<Tenure>;
};

export type Tenure = {
  /** Whether nobody else can lead at this moment, by this machine's monotonic clock. */
  held(): boolean;
  /** Aborts when the lease could not be renewed in time, or somebody else has it. */
  readonly lost: AbortSignal;
  /** Stops renewing, and lets the next one lead at once if it was still ours. */
  release(): Promise<void>;
};

export type LeaseTiming = {
  /** Others wait so long after the last sign of life. */
  readonly durationMs: number;
  /** So long after it the holder gives up: what it began by then has ended when others lead. */
  readonly renewWithinMs: number;
  readonly retryMs: number;
};

/** For a lease of 15 s: renewed every 2 s, and given up after 10 s without. */
export function leaseTiming(seconds: number): LeaseTiming {
  const durationMs = seconds * 1000;
  return {
    durationMs,
    renewWithinMs: (durationMs * 2) / 3,
    retryMs: Math.round((durationMs * 2) / 15),
  };
}

type Options = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** Names this process and no other. */
  readonly identity: string;
  readonly log: Log;
  readonly timing?: LeaseTiming;
};

const releaseMs = 3_000;

export function createLeadership(options: Options): Leadership {
  const { api, namespace, identity, log, timing = leaseTiming(15) } = options;
  const lease = createLease({ api, namespace, identity, durationMs: timing.durationMs });
  const watch = createExpiry();

  async function tryToAcquire(signal: AbortSignal): Promise<Tenure | null> {
    const beganAtMs = performance.now();
    try {
      const found = await lease.read(signal);
      if (found !== null && !watch.isFree(found)) return null;
      const taken = await lease.take(found, signal);
      return taken === null ? null : hold({ lease, identity, log, timing }, taken, beganAtMs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted) log.warn('the lease cannot be read or taken', { error });
      return null;
    }
  }

  return {
    async acquire(signal) {
      for (;;) {
        signal.throwIfAborted();
        const tenure = await tryToAcquire(signal);
        if (tenure !== null) return tenure;
        await pause(timing.retryMs * (1 + 0.2 * Math.random()), signal);
      }
    },
  };
}

/** Judges by the time since the record last changed before our eyes: clocks of machines differ. */
function createExpiry() {
  let record = '';
  let sinceMs = 0;
  return {
    isFree(lease: KubernetesObject): boolean {
      const spec = leaseSpec(lease);
      const now = performance.now();
      const seen = JSON.stringify(spec);
      if (seen !== record) [record, sinceMs] = [seen, now];
      const { leaseDurationSeconds: seconds } = spec;
      const durationMs = 1000 * (typeof seconds === 'number' ? seconds : 15);
      return holderOf(lease) === '' || now - sinceMs > durationMs;
    },
  };
}

type Holding = {
  readonly lease: Lease;
  readonly identity: string;
  readonly log: Log;
  readonly timing: LeaseTiming;
};

/** Renews until it is released or lost. */
function hold(
  { lease, identity, log, timing }: Holding,
  taken: KubernetesObject,
  takenAtMs: number,
): Tenure {
  const lost = new AbortController();
  const stop = new AbortController();
  let current = taken;
  /** When the last renewal that succeeded began: what the server wrote is not older. */
  let renewedAtMs = takenAtMs;
  const leftMs = () => timing.renewWithinMs - (performance.now() - renewedAtMs);
  const held = () => !lost.signal.aborted && leftMs() > 0;

  function lose(reason: string): void {
    if (stop.signal.aborted) return;
    log.warn('leads no longer: the lease is lost', { reason });
    stop.abort();
    lost.abort(new Error(reason));
  }

  async function renew(): Promise<void> {
    const beganAtMs = performance.now();
    const signal = AbortSignal.any([
      stop.signal,
      AbortSignal.timeout(Math.max(1, Math.ceil(leftMs()))),
    ]);
    const renewed = await lease.take(current, signal);
    if (renewed !== null) {
      current = renewed;
      renewedAtMs = beganAtMs;
      return;
    }
    // It has changed: by our own renewal whose answer was lost, or by whoever has it now.
    const found = await lease.read(signal);
    if (found === null) return lose('it was deleted');
    if (holderOf(found) !== identity) return lose(`${holderOf(found) || 'nobody'} has it`);
    current = found;
  }

  async function keepRenewing(): Promise<void> {
    for (;;) {
      await pause(timing.retryMs, stop.signal);
      if (stop.signal.aborted) return;
      if (!held()) return lose('it could not be renewed in time');
      await renew().catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn('the lease could not be renewed', { error });
      });
    }
  }

  // Timers of a process that was stopped run late; this one needs no answer of a server.
  const watchdog = setInterval(() => {
    if (!held()) lose('it could not be renewed in time');
  }, timing.retryMs / 4);
  stop.signal.addEventListener('abort', () => clearInterval(watchdog), { once: true });
  const renewing = keepRenewing();

  return {
    held,
    lost: lost.signal,
    async release() {
      const wasHeld = held();
      stop.abort();
      lost.abort(new Error('it was released')); // before others can lead
      await renewing;
      if (!wasHeld) return;
      await lease.release(AbortSignal.timeout(releaseMs)).catch((error: unknown) => {
        log.warn('the lease could not be released', { error });
      });
    },
  };
}
