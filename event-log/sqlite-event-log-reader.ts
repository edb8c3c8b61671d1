import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { toSnapshot, toUpdate, tryDecode } from './entry.ts';
import { type EventLog, type FollowUpdate, type LogEntry, LogUnavailable } from './event-log.ts';
import { lastSequence, readLogId, readPage, readSnapshot } from './sqlite-store.ts';

/** Reading only, while another process may be writing. */
export type EventLogReader = Pick<EventLog, 'follow' | 'history'> & AsyncDisposable;

const pollMs = 100;
const pageSize = 500;

/** For the CLI: looks at the file of a log that another process may hold. Throws `LogUnavailable` where there is none. */
export async function openSqliteEventLogReader({
  file,
}: {
  readonly file: string;
}): Promise<EventLogReader> {
  let db = open(file);

  async function* history(
    subjects: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<LogEntry> {
    const end = lastSequence(db.connection);
    let after = 0;
    while (!signal.aborted && after < end) {
      const page = readPage(db.connection, subjects, after, pageSize);
      const wanted = page.filter(({ sequence }) => sequence <= end);
      yield* wanted.map(tryDecode).filter((entry) => entry !== null);
      after = page.at(-1)?.sequence ?? end;
    }
  }

  async function* follow(
    subjects: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<FollowUpdate> {
    while (!signal.aborted) {
      yield* followOneLife(subjects, signal);
      if (signal.aborted) return;
      yield { type: 'disconnected', problem: `${file} was replaced` };
      db.connection.close();
      db = await reopen(file, signal);
    }
  }

  /** Until the file is another one. */
  async function* followOneLife(
    subjects: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<FollowUpdate> {
    const { logId, sequence, entries } = readSnapshot(db.connection, subjects);
    yield* toSnapshot(logId, sequence, entries);
    let after = sequence;
    let version: unknown = null;
    while (!signal.aborted && inodeOf(file) === db.inode) {
      const current = dataVersion(db.connection);
      const page = current === version ? [] : readPage(db.connection, subjects, after, pageSize);
      for (const entry of page) {
        yield toUpdate(logId, entry);
        after = entry.sequence;
      }
      if (page.length > 0) continue;
      version = current;
      await pause(signal);
    }
  }

  return {
    follow,
    history,
    async [Symbol.asyncDispose]() {
      if (db.connection.isOpen) db.connection.close();
    },
  };
}

function open(file: string): { readonly connection: DatabaseSync; readonly inode: number | null } {
  const inode = inodeOf(file);
  if (inode === null) throw new LogUnavailable(`there is no log at ${file}`);
  try {
    const connection = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    readLogId(connection);
    return { connection, inode };
  } catch (cause) {
    throw new LogUnavailable(`${file} cannot be read as a log`, { cause });
  }
}

async function reopen(file: string, signal: AbortSignal): Promise<ReturnType<typeof open>> {
  while (true) {
    try {
      return open(file);
    } catch (error) {
      if (signal.aborted) throw error;
      await pause(signal);
    }
  }
}

function inodeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? null;
}

/** Differs from the last answer if another connection has committed since. */
function dataVersion(db: DatabaseSync): unknown {
  return db.prepare('PRAGMA data_version').get()?.['data_version'];
}

function pause(signal: AbortSignal): Promise<unknown> {
  return sleep(pollMs, null, { signal }).catch(() => null);
}
