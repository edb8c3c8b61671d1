import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { StoredEntry } from './entry.ts';
import { LogInUse } from './event-log.ts';
import {
  createSchema,
  createSqliteWriter,
  type Fence,
  type NewRow,
  readLogId,
  readPage,
  readSnapshot,
} from './sqlite-store.ts';

/**
 * The thread that owns the file: SQLite waits for the disk, and nobody else should. One request at
 * a time, in order; `appended` goes out before the answer, so a snapshot and what follows it fit.
 */
export type SqliteStore = ReturnType<typeof openStore>;
export type SqliteMethod = keyof SqliteStore;

export type WorkerSettings = { readonly file: string; readonly maxBytes: number };

export type WorkerRequest = {
  readonly call: number;
  readonly method: SqliteMethod;
  readonly args: readonly unknown[];
};

export type WorkerMessage =
  | { readonly type: 'opened'; readonly logId: string }
  | { readonly type: 'appended'; readonly entries: readonly StoredEntry[] }
  | { readonly type: 'answer'; readonly call: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly call: number | null; readonly problem: Problem };

/** An error loses its class between threads. */
export type Problem = { readonly name: string; readonly message: string };

const busy = 5;
const locked = 6;
const diskFull = 13;

function openStore({ file, maxBytes }: WorkerSettings, tell: (message: WorkerMessage) => void) {
  const lock = file === ':memory:' ? null : takeLock(file);
  const db = new DatabaseSync(file, { timeout: 5000 });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  createSchema(db);
  const writer = createSqliteWriter(db, maxBytes);

  return {
    logId: () => readLogId(db),
    lead(row: NewRow, floor: number) {
      const { created, entry } = writer.lead(row, floor);
      tell({ type: 'appended', entries: [entry] });
      return { created, epoch: entry.sequence };
    },
    append(fence: Fence, rows: readonly NewRow[]): readonly number[] {
      const { appended, sequences } = writer.append(fence, rows);
      if (appended.length > 0) tell({ type: 'appended', entries: appended });
      return sequences;
    },
    purge: writer.purge,
    size: writer.size,
    snapshot: (subjects: readonly string[]) => readSnapshot(db, subjects),
    page: (subjects: readonly string[], after: number, limit: number) =>
      readPage(db, subjects, after, limit),
    close() {
      db.close();
      lock?.close();
    },
  };
}

/**
 * One process at a time, by a lock that dies with its holder. On a file of its own: an exclusive
 * lock on the log would shut out those who only read.
 */
function takeLock(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    const held = sqliteCode(cause) === busy || sqliteCode(cause) === locked;
    throw held ? new LogInUse(`another process holds ${file}`, { cause }) : cause;
  }
}

function problemOf(error: unknown, file: string): Problem {
  if (!(error instanceof Error)) return { name: 'LogUnavailable', message: String(error) };
  const code = sqliteCode(error);
  if (code === null) return { name: error.name, message: error.message };
  const name = code === diskFull ? 'LogFull' : 'LogUnavailable';
  return { name, message: `${file}: ${error.message}` };
}

function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

function serve(port: NonNullable<typeof parentPort>, settings: WorkerSettings): void {
  const tell = (message: WorkerMessage) => port.postMessage(message);
  try {
    const store = openStore(settings, tell);
    port.on('message', ({ call, method, args }: WorkerRequest) => {
      try {
        tell({ type: 'answer', call, result: Reflect.apply(store[method], store, args) });
      } catch (error) {
        tell({ type: 'failed', call, problem: problemOf(error, settings.file) });
      }
      if (method === 'close') port.close();
    });
    tell({ type: 'opened', logId: store.logId() });
  } catch (error) {
    tell({ type: 'failed', call: null, problem: problemOf(error, settings.file) });
    port.close();
  }
}

if (parentPort !== null) serve(parentPort, workerData);
