import type { Subjects } from '../../contracts/subjects.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import type { Log } from '../../runtime/log.ts';
import {
  type DesiredState,
  disconnected,
  nothingDesired,
  withEntry,
  withMalformed,
  withSnapshot,
} from './desired-state.ts';

/**
 * Folds the log of one pool for as long as `signal` lasts, calling `changed` with each new state.
 * When the log is out of reach, what was last known stays in force.
 */
export async function followDesiredState(
  { log, subjects, pool, logger }: { log: EventLog; subjects: Subjects; pool: string; logger: Log },
  changed: (state: DesiredState) => void,
  signal: AbortSignal,
): Promise<void> {
  let state = nothingDesired;
  let inSnapshot = true;
  for await (const update of log.follow([subjects.allConfigOf(pool)], signal)) {
    switch (update.type) {
      case 'snapshot':
        inSnapshot = false;
        state = withSnapshot(state, update.logId, update.sequence, update.entries);
        changed(state);
        break;
      case 'entry':
        state = withEntry(state, update.logId, update.entry);
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
}
