import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import {
  encodeEntry,
  matchSubjects,
  type StoredEntry,
  toSnapshot,
  toUpdate,
  tryDecode,
} from './entry.ts';
import {
  type EventLog,
  type FollowUpdate,
  type Leader,
  type LogEntry,
  maxEntriesPerAppend,
  type NewEntry,
} from './event-log.ts';
import { createFeed, type Feed } from './feed.ts';
import { leaderElected } from './leader-elected.ts';
import { createLocalAcknowledgements } from './local-acknowledgements.ts';
import { openSqliteClient, type SqliteClient } from './sqlite-client.ts';
import type { NewRow } from './sqlite-store.ts';

export type SqliteEventLogOptions = {
  /** A path, or `:memory:`. */
  readonly file: string;
  readonly subjects: Subjects;
  readonly maxBytes?: number;
  /** Closes the log. */
  readonly signal?: AbortSignal;
};

const defaultMaxBytes = 1024 ** 3;
const pageSize = 500;

type Follower = {
  readonly matches: (subject: string) => boolean;
  readonly feed: Feed<StoredEntry>;
};

/**
 * The log of one machine, and the acknowledgements of its one process. Throws `LogInUse` while
 * another process has the file.
 */
export async function openSqliteEventLog({
  file,
  subjects,
  maxBytes = defaultMaxBytes,
  signal,
}: SqliteEventLogOptions): Promise<EventLog & { readonly acknowledgements: Acknowledgements }> {
  const followers = new Set<Follower>();

  const store = await openSqliteClient(
    { file, maxBytes },
    (entries) => {
      for (const { matches, feed } of followers) {
        for (const entry of entries) if (matches(entry.subject)) feed.push(entry);
      }
    },
    (error) => {
      for (const { feed } of followers) error === null ? feed.end() : feed.fail(error);
    },
  );

  async function* follow(
    patterns: readonly string[],
    ended: AbortSignal,
  ): AsyncGenerator<FollowUpdate> {
    const feed = createFeed<StoredEntry>(ended);
    const follower = { matches: matchSubjects(patterns), feed };
    // Before the snapshot is asked for: what is appended meanwhile must not fall between the two.
    followers.add(follower);
    try {
      const { logId, sequence, entries } = await store.call('snapshot', patterns);
      if (ended.aborted) return;
      yield* toSnapshot(logId, sequence, entries);
      for await (const entry of feed) {
        if (entry.sequence > sequence) yield toUpdate(logId, entry);
      }
    } finally {
      followers.delete(follower);
    }
  }

  async function* history(
    patterns: readonly string[],
    ended: AbortSignal,
  ): AsyncGenerator<LogEntry> {
    let after = 0;
    while (!ended.aborted) {
      const page = await store.call('page', patterns, after, pageSize);
      yield* page.map(tryDecode).filter((entry) => entry !== null);
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) return;
      after = last.sequence;
    }
  }

  const log = {
    acknowledgements: createLocalAcknowledgements(),
    lead: (holder: string, floor = 0) => lead(store, subjects, holder, floor),
    follow,
    history,
    size: () => store.call('size'),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  signal?.addEventListener('abort', () => void log[Symbol.asyncDispose](), { once: true });
  return log;
}

async function lead(
  store: SqliteClient,
  subjects: Subjects,
  holder: string,
  floor: number,
): Promise<Leader> {
  const { logId } = store;
  const event = leaderElected(subjects.log, logId, holder);
  const row = toRow({ subject: subjects.leader, event });
  const { created, epoch } = await store.call('lead', row, floor);
  const fence = { leaderSubject: subjects.leader, epoch };
  return {
    logId,
    epoch,
    created,
    async append(entries) {
      if (entries.length > maxEntriesPerAppend) {
        throw new RangeError(
          `${entries.length} entries in one append, ${maxEntriesPerAppend} are possible`,
        );
      }
      return store.call('append', fence, entries.map(toRow));
    },
    purge: (subject, sequence) => store.call('purge', fence, subject, sequence),
  };
}

function toRow(entry: NewEntry): NewRow {
  const { subject, event, lastOnly = false, ttlSeconds = null } = entry;
  return { subject, id: event.id, text: encodeEntry(entry), lastOnly, ttlSeconds };
}
