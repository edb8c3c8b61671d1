import { setInterval } from 'node:timers/promises';

/**
 * Runs tasks that end only with `controller`. The first that fails, or ends by itself, ends the
 * others; when all have ended, its failure is thrown.
 */
export async function runTogether(
  tasks: ReadonlyArray<() => Promise<void>>,
  controller: AbortController,
): Promise<void> {
  let failure: { readonly error: unknown } | null = null;
  const run = async (task: () => Promise<void>) => {
    try {
      await task();
    } catch (error) {
      if (!controller.signal.aborted) failure ??= { error };
    } finally {
      controller.abort();
    }
  };
  await Promise.all(tasks.map(run));
  rethrow(failure);
}

function rethrow(failure: { readonly error: unknown } | null): void {
  if (failure !== null) throw failure.error;
}

/** One item per interval, until `signal` aborts. */
export async function* ticks(intervalMs: number, signal: AbortSignal): AsyncGenerator<void> {
  try {
    yield* setInterval(intervalMs, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
