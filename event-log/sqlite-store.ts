import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { isPrefix, type StoredEntry } from './entry.ts';
import { keptPerSubject, LogFull, LogUnavailable, NoLongerLeader } from './event-log.ts';

const schemaVersion = 1;

export type NewRow = {
  readonly subject: string;
  readonly id: string;
  readonly text: string;
  readonly lastOnly: boolean;
  readonly ttlSeconds: number | null;
};

export type Fence = { readonly leaderSubject: string; readonly epoch: number };

/** Tables of the log. Sequences are AUTOINCREMENT: a plain key would use a removed one again. */
export function createSchema(db: DatabaseSync): void {
  const version = numberOf(db.prepare('PRAGMA user_version').get(), 'user_version');
  if (version > schemaVersion) throw new LogUnavailable('the log was made by a newer Headgate');
  db.exec(`
    CREATE TABLE IF NOT EXISTS entries (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      subject TEXT NOT NULL,
      id TEXT NOT NULL,
      event TEXT NOT NULL,
      expires_at INTEGER
    ) STRICT;
    CREATE INDEX IF NOT EXISTS by_subject ON entries (subject, sequence);
    CREATE INDEX IF NOT EXISTS by_id ON entries (id);
    CREATE INDEX IF NOT EXISTS by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE IF NOT EXISTS log (id TEXT NOT NULL) STRICT;
    PRAGMA user_version = ${schemaVersion};
  `);
  db.prepare('INSERT INTO log SELECT ? WHERE NOT EXISTS (SELECT 1 FROM log)').run(randomUUID());
}

export function readLogId(db: DatabaseSync): string {
  const id = db.prepare('SELECT id FROM log').get()?.['id'];
  if (typeof id === 'string') return id;
  throw new LogUnavailable('the file holds no log');
}

/** The last sequence ever given, 0 in a log that nobody has written to. */
export function lastSequence(db: DatabaseSync): number {
  const row = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").get();
  return row === undefined ? 0 : numberOf(row, 'seq');
}

/** The last entry of each subject, in order of sequence, and the log's last sequence. */
export function readSnapshot(db: DatabaseSync, subjects: readonly string[]) {
  const { condition, values } = where(subjects);
  const last = db.prepare(
    `SELECT sequence, subject, event FROM entries WHERE sequence IN
       (SELECT max(sequence) FROM entries WHERE ${condition} GROUP BY subject) ORDER BY sequence`,
  );
  // One transaction: another process may append between the two questions.
  db.exec('BEGIN');
  try {
    const entries = last.all(...values).map(toEntry);
    return { logId: readLogId(db), sequence: lastSequence(db), entries };
  } finally {
    db.exec('COMMIT');
  }
}

/** At most `limit` entries after `after`, in order. */
export function readPage(
  db: DatabaseSync,
  subjects: readonly string[],
  after: number,
  limit: number,
): readonly StoredEntry[] {
  const { condition, values } = where(subjects);
  const rows = db
    .prepare(
      `SELECT sequence, subject, event FROM entries
         WHERE sequence > ? AND ${condition} ORDER BY sequence LIMIT ?`,
    )
    .all(after, ...values, limit);
  return rows.map(toEntry);
}

/** Everything that changes the log; each method is one transaction. */
export function createSqliteWriter(db: DatabaseSync, maxBytes: number) {
  const insert = db.prepare(
    'INSERT INTO entries (subject, id, event, expires_at) VALUES (?, ?, ?, ?)',
  );
  const find = db.prepare('SELECT sequence FROM entries WHERE id = ? AND subject = ?');
  const epoch = db.prepare('SELECT max(sequence) AS epoch FROM entries WHERE subject = ?');
  const removed = 'RETURNING octet_length(event) AS bytes';
  const removeUpTo = db.prepare(
    `DELETE FROM entries WHERE subject = ? AND sequence <= ? ${removed}`,
  );
  const removeAllBut = db.prepare(
    `DELETE FROM entries WHERE subject = ?1 AND sequence <=
       (SELECT sequence FROM entries WHERE subject = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2) ${removed}`,
  );
  const removeExpired = db.prepare(`DELETE FROM entries WHERE expires_at <= ? ${removed}`);
  const size = db.prepare('SELECT coalesce(sum(octet_length(event)), 0) AS bytes FROM entries');
  let bytes = numberOf(size.get(), 'bytes');

  function transaction<T>(body: () => T): T {
    const before = bytes;
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      bytes = before;
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  const freed = (rows: readonly Record<string, SQLOutputValue>[]) => {
    for (const row of rows) bytes -= numberOf(row, 'bytes');
  };

  function put({ subject, id, text, lastOnly, ttlSeconds }: NewRow): StoredEntry {
    const expiresAt = ttlSeconds === null ? null : Date.now() + ttlSeconds * 1000;
    const sequence = Number(insert.run(subject, id, text, expiresAt).lastInsertRowid);
    bytes += Buffer.byteLength(text);
    freed(removeAllBut.all(subject, lastOnly ? 1 : keptPerSubject));
    return { sequence, subject, text };
  }

  function checkFence({ leaderSubject, epoch: expected }: Fence): void {
    const current = epoch.get(leaderSubject)?.['epoch'] ?? null;
    if (current === expected) return;
    throw new NoLongerLeader(`leader ${expected} was replaced by leader ${current}`);
  }

  return {
    size: () => ({ bytes, maxBytes }),
    /** Appends the event of an election, above `floor`; says whether the log was new. */
    lead(row: NewRow, floor: number) {
      return transaction(() => {
        const last = lastSequence(db);
        if (last === 0) db.prepare("INSERT INTO sqlite_sequence VALUES ('entries', 0)").run();
        const start = db.prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'entries'");
        if (floor > last) start.run(floor);
        return { created: last === 0, entry: put(row) };
      });
    },
    /** `appended` lacks what was there already: the same id under the same subject. */
    append(fence: Fence, rows: readonly NewRow[]) {
      return transaction(() => {
        checkFence(fence);
        freed(removeExpired.all(Date.now()));
        const appended: StoredEntry[] = [];
        const sequences = rows.map((row) => {
          const known = find.get(row.id, row.subject);
          if (known !== undefined) return numberOf(known, 'sequence');
          const entry = put(row);
          appended.push(entry);
          return entry.sequence;
        });
        if (appended.length > 0 && bytes > maxBytes) {
          throw new LogFull(`the log holds ${bytes} bytes with this, more than its ${maxBytes}`);
        }
        return { sequences, appended };
      });
    },
    purge(fence: Fence, subject: string, sequence: number): void {
      transaction(() => {
        checkFence(fence);
        freed(removeUpTo.all(subject, sequence));
      });
    },
  };
}

/** Subjects as a condition. Expired entries are gone, whether or not anyone has removed them yet. */
function where(subjects: readonly string[]) {
  const terms = subjects.map((subject) =>
    isPrefix(subject) ? '(subject >= ? AND subject < ?)' : 'subject = ?',
  );
  const values = subjects.flatMap((subject) => {
    if (!isPrefix(subject)) return [subject];
    const prefix = subject.slice(0, -1);
    // `/` is the character after `.`: everything that begins with the prefix, and nothing else.
    return [prefix, prefix.replace(/\.$/, '/')];
  });
  const condition = `(${terms.join(' OR ') || 'FALSE'}) AND (expires_at IS NULL OR expires_at > ?)`;
  return { condition, values: [...values, Date.now()] };
}

function toEntry({ sequence, subject, event }: Record<string, SQLOutputValue>): StoredEntry {
  if (typeof sequence !== 'number' || typeof subject !== 'string' || typeof event !== 'string') {
    throw new LogUnavailable('the log holds a row that is none of ours');
  }
  return { sequence, subject, text: event };
}

function numberOf(row: Record<string, SQLOutputValue> | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value === 'number') return value;
  throw new LogUnavailable(`the log answers no number for ${column}`);
}
