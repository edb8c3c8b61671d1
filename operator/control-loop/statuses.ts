import { logEventTypes } from '../../contracts/log-events.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import type { StatusReported } from '../../contracts/status.ts';
import { type Leader, LogFull, LogUnavailable } from '../../event-log/event-log.ts';
import { envelope, type Writing } from './entries.ts';
import type { Held } from './held.ts';
import { purgeAll } from './housekeeping.ts';
import type { StatusStore } from './source.ts';
import type { States } from './states.ts';

/** Where statuses are kept: in the log, or with the resources themselves. */
export type Statuses = {
  /** What stands there now of this resource. */
  reported(held: Held): Reported | null;
  /** Answers those that could not be written now. */
  write(reports: readonly StatusReported[]): Promise<readonly StatusReported[]>;
};

export type Reported = Pick<StatusReported, 'uid' | 'pool' | 'status'>;

/** One entry per resource, of which the log keeps the last. */
export function statusesInLog(
  states: States,
  leader: Leader,
  { subjects, ...writing }: Writing,
): Statuses {
  async function append(reports: readonly StatusReported[]): Promise<void> {
    const entries = reports.map((data) => ({
      subject: subjects.status(data.pool, data),
      event: envelope(writing, logEventTypes.statusReported, formatKey(data), data),
      lastOnly: true,
    }));
    if (entries.length === 0) return;
    const sequences = await leader.append(entries);
    for (const [index, { subject, event }] of entries.entries()) {
      states.applyOwn({ sequence: sequences[index] ?? 0, subject, event });
    }
    // Of what has moved, or was removed while this was written.
    await purgeAll(states, leader, reports.flatMap(states.staleStatusesOf));
  }

  return {
    reported: ({ reported }) => reported?.data ?? null,
    async write(reports) {
      try {
        await append(reports);
        return [];
      } catch (error) {
        if (error instanceof LogUnavailable || error instanceof LogFull) return reports;
        throw error;
      }
    },
  };
}

/** In the `status` of each resource. */
export function statusesInSource(store: StatusStore, signal: AbortSignal): Statuses {
  return {
    reported({ key, state, pool }) {
      if (state.status === 'absent') return null;
      const { uid } = state;
      const status = store.read(key, uid);
      return status === null ? null : { uid, pool, status };
    },
    write: (reports) => store.write(reports, signal),
  };
}
