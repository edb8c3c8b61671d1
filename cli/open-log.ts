import { join } from 'node:path';
import { createSubjects, type Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from '../event-log/acknowledgements.ts';
import { type FollowUpdate, LogUnavailable } from '../event-log/event-log.ts';
import {
  type EventLogReader,
  openSqliteEventLogReader,
} from '../event-log/sqlite-event-log-reader.ts';
import { openNatsLog } from './open-nats-log.ts';
import type { Place } from './place.ts';

/** The log of a data directory. */
export const logFileIn = (data: string) => join(data, 'log.sqlite');

/** A log that commands look at. */
export type OpenedLog = AsyncDisposable & {
  readonly reader: EventLogReader;
  readonly subjects: Subjects;
  /** What pods say they run; `null` where only their own process hears it. */
  readonly acknowledgements: Pick<Acknowledgements, 'latest'> | null;
};

/** For commands that look: also while `headgate up` runs, and after it stopped. */
export async function openLog(place: Place): Promise<OpenedLog> {
  switch (place.is) {
    case 'directory':
      return openDirectoryLog(place.data);
    case 'nats':
      return openNatsLog(place);
    case 'cluster': {
      // What speaks to clusters takes half a second to load: nobody else waits for it.
      const { openClusterLog } = await import('./cluster/cluster-log.ts');
      return openClusterLog(place);
    }
  }
}

async function openDirectoryLog(data: string): Promise<OpenedLog> {
  const file = logFileIn(data);
  const reader = await openSqliteEventLogReader({ file }).catch((cause: unknown) => {
    if (!(cause instanceof LogUnavailable)) throw cause;
    throw new LogUnavailable(
      `${cause.message}: start \`headgate up -f DIR --data ${data}\` first, name its directory with --data, or a cluster with --context`,
      { cause },
    );
  });
  return {
    reader,
    subjects: createSubjects(),
    acknowledgements: null,
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

export type Snapshot = Extract<FollowUpdate, { type: 'snapshot' }>;

/** The last entry of each subject, now. Throws `LogUnavailable` where there is no log. */
export async function readSnapshot(
  reader: EventLogReader,
  subjects: readonly string[],
): Promise<Snapshot> {
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

type Trouble = Extract<FollowUpdate, { type: 'disconnected' | 'malformed' }>;

/** What a command that goes on says while it cannot show everything. */
export function sayTrouble(trouble: Trouble): void {
  const said =
    trouble.type === 'disconnected'
      ? `${trouble.problem}; waiting`
      : `entry ${trouble.sequence} cannot be read: ${trouble.problem}`;
  process.stderr.write(`${said}\n`);
}
