import { join } from 'node:path';
import { createSubjects, type Subjects } from '../contracts/subjects.ts';
import { type FollowUpdate, LogUnavailable } from '../event-log/event-log.ts';
import { openJetStreamEventLog } from '../event-log/jetstream-event-log.ts';
import {
  type EventLogReader,
  openSqliteEventLogReader,
} from '../event-log/sqlite-event-log-reader.ts';
import type { LogPlace } from './options.ts';

/** The log of a data directory. */
export const logFileIn = (data: string) => join(data, 'log.sqlite');

/** For commands that look: also while `headgate up` runs, and after it stopped. */
export async function openLogReader({
  data,
  nats,
  logName,
}: LogPlace): Promise<{ readonly reader: EventLogReader; readonly subjects: Subjects }> {
  if (nats !== undefined) {
    const subjects = createSubjects(logName);
    const reader = await openJetStreamEventLog({ connection: { servers: nats }, subjects });
    return { reader, subjects };
  }
  const file = logFileIn(data);
  const reader = await openSqliteEventLogReader({ file }).catch((cause: unknown) => {
    if (!(cause instanceof LogUnavailable)) throw cause;
    throw new LogUnavailable(
      `${cause.message}: start \`headgate up -f DIR --data ${data}\` first, or name its directory with --data`,
      { cause },
    );
  });
  return { reader, subjects: createSubjects() };
}

/** The last entry of each subject, now. Throws `LogUnavailable` where there is no log. */
export async function readSnapshot(
  reader: EventLogReader,
  subjects: readonly string[],
): Promise<Extract<FollowUpdate, { type: 'snapshot' }>> {
  const enough = new AbortController();
  try {
    for await (const update of reader.follow(subjects, enough.signal)) {
      if (update.type === 'snapshot') return update;
      if (update.type === 'disconnected') throw new LogUnavailable(update.problem);
    }
    throw new LogUnavailable('the log was closed');
  } finally {
    enough.abort();
  }
}
