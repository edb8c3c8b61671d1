import { setTimeout } from 'node:timers/promises';
import { exitCodes } from './exit-codes.ts';
import { exitNow } from './exit-now.ts';

export type Signals = AsyncDisposable & {
  /** Aborts with `Symbol.asyncDispose`, not with the first signal: draining takes a while. */
  readonly stopped: AbortSignal;
  /** Resolves with the first SIGTERM or SIGINT. */
  first(): Promise<void>;
  /** Goes on for so long after SIGTERM; SIGINT cuts it short. */
  grace(ms: number): Promise<void>;
};

/** SIGTERM and SIGINT ask to finish; a SIGINT after either of them ends the process on the spot. */
export function waitForSignals(): Signals {
  const first = Promise.withResolvers<void>();
  const hurry = new AbortController();
  const stopped = new AbortController();
  let asked = false;

  const terminate = () => {
    asked = true;
    first.resolve();
  };
  const interrupt = () => {
    if (asked && hurry.signal.aborted) exitNow(exitCodes.interrupted.code);
    hurry.abort();
    terminate();
  };
  process.on('SIGTERM', terminate).on('SIGINT', interrupt);

  return {
    stopped: stopped.signal,
    first: () => first.promise,
    async grace(ms) {
      if (ms === 0 || hurry.signal.aborted) return;
      await setTimeout(ms, null, { signal: hurry.signal }).catch(() => null);
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      process.off('SIGTERM', terminate).off('SIGINT', interrupt);
    },
  };
}
