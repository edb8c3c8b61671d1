import type { Subjects } from '../../contracts/subjects.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import type { Log } from '../../runtime/log.ts';
import {
  type ConfigEntry,
  type DesiredState,
  disconnected,
  nothingDesired,
  withEntries,
  withMalformed,
  withSnapshot,
} from './desired-state.ts';

/**
 * Folds the log of one pool for as long as `signal` lasts, calling `changed` with each new state.
 * When the log is out of reach, what was last known stays in force.
 */
export async function followDesiredState(
  {
    log,
    subjects,
    pool,
    logger,
  }: { log: Pick<EventLog, 'follow'>; subjects: Subjects; pool: string; logger: Log },
  changed: (state: DesiredState) => void,
  signal: AbortSignal,
): Promise<void> {
  let state = nothingDesired;
  let inSnapshot = true;
  /** Entries that came in this turn of the event loop, of one log. */
  let waiting: { readonly logId: string; readonly entries: ConfigEntry[] } | null = null;
  let soon: NodeJS.Immediate | null = null;

  function foldWaiting(): void {
    if (soon !== null) clearImmediate(soon);
    soon = null;
    if (waiting === null) return;
    state = withEntries(state, waiting.logId, waiting.entries);
    waiting = null;
    changed(state);
  }

  function take(logId: string, entry: ConfigEntry): void {
    if (waiting?.logId !== logId) foldWaiting();
    waiting ??= { logId, entries: [] };
    waiting.entries.push(entry);
    soon ??= setImmediate(foldWaiting);
  }

  for await (const update of log.follow([subjects.allConfigOf(pool)], signal)) {
    if (update.type === 'entry') {
      take(update.logId, update.entry);
      continue;
    }
    foldWaiting();
    switch (update.type) {
      case 'snapshot':
        inSnapshot = false;
        state = withSnapshot(state, update.logId, update.sequence, update.entries);
        changed(state);
        break;
      case 'malformed': {
        const { subject, sequence, problem } = update;
        logger.error('event skipped', { subject, sequence, problem, code: 'event_malformed' });
        state = withMalformed(state, update);
        if (!inSnapshot) changed(state); // else the snapshot itself follows
        break;
      }
      case 'disconnected':
        inSnapshot = true;
        state = disconnected(state);
        logger.warn('event log out of reach, serving what is known', { problem: update.problem });
        break;
    }
  }
  if (soon !== null) clearImmediate(soon);
}
