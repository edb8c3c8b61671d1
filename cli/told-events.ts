import type { Subjects } from '../contracts/subjects.ts';
import type { LogEntry } from '../event-log/event-log.ts';
import type { EventLogReader } from '../event-log/sqlite-event-log-reader.ts';
import { readSnapshot, sayTrouble } from './open-log.ts';

/** Everything kept that tells what was decided, up to now. Throws `LogUnavailable` where there is no log. */
export async function* readTold(
  reader: EventLogReader,
  subjects: Subjects,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  await readSnapshot(reader, [subjects.leader]);
  yield* reader.history(toldIn(subjects), signal);
}

/**
 * History, then what is new, without gap or repeat. A log that was made anew is told from its
 * beginning; that the log is away, or another one, is said on standard error.
 */
export async function* followTold(
  reader: EventLogReader,
  subjects: Subjects,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  const told = toldIn(subjects);
  let logId: string | null = null;
  let last = 0;
  for await (const update of reader.follow(told, signal)) {
    switch (update.type) {
      case 'snapshot':
        if (logId !== null && logId !== update.logId) {
          process.stderr.write('this is another log now\n');
          last = 0;
        }
        logId = update.logId;
        // The snapshot has one entry per subject; all that led to them are told.
        yield* after(reader.history(told, signal));
        break;
      case 'entry':
        yield* after([update.entry]);
        break;
      default:
        sayTrouble(update);
    }
  }

  async function* after(entries: AsyncIterable<LogEntry> | Iterable<LogEntry>) {
    for await (const entry of entries) {
      if (entry.sequence <= last) continue;
      last = entry.sequence;
      yield entry;
    }
  }
}

function toldIn({ allConfig, allJournal, leader }: Subjects): readonly string[] {
  return [allConfig, allJournal, leader];
}
