import { setTimeout } from 'node:timers/promises';
import type { Log } from './log.ts';

const retryMs = 1000;
const sayAgainMs = 30_000;

/**
 * Tries until it works, for what a process cannot begin without: better a line in its log than a
 * process that starts again and again. Says what is missing when that changes, and now and then.
 * `null`: `signal` aborted before.
 */
export async function keepTrying<T>(
  what: string,
  attempt: () => Promise<T>,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<T | null> {
  let said = { problem: '', atMs: 0 };
  while (!signal.aborted) {
    try {
      return await attempt();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== said.problem || performance.now() - said.atMs > sayAgainMs) {
        log.warn('waiting', { for: what, problem });
        said = { problem, atMs: performance.now() };
      }
      await setTimeout(retryMs, null, { signal }).catch(() => null);
    }
  }
  return null;
}
