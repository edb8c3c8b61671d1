import type { Envelope } from '../contracts/envelope.ts';

/**
 * An append-only log of events, each under a subject (contracts/subjects.ts). Implemented on
 * JetStream and on SQLite; test/contracts/event-log.ts holds what both promise.
 */
export type EventLog = AsyncDisposable & {
  /** Becomes the only writer: appends `LeaderElected`, whose sequence is the epoch. Creates the log where there is none, numbering above `floor`. */
  lead(holder: string, floor?: number): Promise<Leader>;
  /**
   * The last entry of every subject that matches, as one snapshot, then every later entry, without
   * gap or repeat. Whenever continuity is lost (connection, restart, re-created log) it says
   * `disconnected` and begins again with a new snapshot. Ends when `signal` aborts.
   * Subjects may end in `.>`.
   */
  follow(subjects: readonly string[], signal: AbortSignal): AsyncIterable<FollowUpdate>;
  /** How large it is, and how large it may get; throws {@link LogUnavailable}. */
  size(): Promise<LogSize>;
  /** Everything kept under these subjects, in order, up to now. What cannot be decoded is left out. */
  history(subjects: readonly string[], signal: AbortSignal): AsyncIterable<LogEntry>;
};

export type LogSize = { readonly bytes: number; readonly maxBytes: number };

export type LogEntry = {
  readonly sequence: number;
  readonly subject: string;
  readonly event: Envelope;
};

export type FollowUpdate =
  | {
      readonly type: 'snapshot';
      /** Names this life of the log: another id, another numbering. */
      readonly logId: string;
      /** The last sequence of the whole log when the snapshot was complete. */
      readonly sequence: number;
      /** In order of sequence, one per subject. */
      readonly entries: readonly LogEntry[];
    }
  | { readonly type: 'entry'; readonly logId: string; readonly entry: LogEntry }
  /**
   * An entry that could not be decoded was skipped. Those that a snapshot lacks for this reason come
   * just before it: what stands under their subjects is unknown, not absent.
   */
  | {
      readonly type: 'malformed';
      readonly sequence: number;
      readonly subject: string;
      readonly problem: string;
    }
  | { readonly type: 'disconnected'; readonly problem: string };

export type NewEntry = {
  readonly subject: string;
  /** `event.id` is made once per decision and reused on every retry. */
  readonly event: Envelope;
  /** Keep only this one under its subject. */
  readonly lastOnly?: boolean;
  /** Forget it after this long. Never for config subjects: it would uncover older versions. */
  readonly ttlSeconds?: number;
};

export type Leader = {
  readonly logId: string;
  readonly epoch: number;
  /** False if the log has had a leader before; true for the first one, which has everything to publish. */
  readonly created: boolean;
  /**
   * Appends all or none, behind the fence; answers their sequences. An append of unknown outcome is
   * looked up by its event ids before it is tried again, so nothing is appended twice.
   * Throws {@link NoLongerLeader}, {@link EntryTooLarge}, {@link LogFull}, {@link LogUnavailable}.
   */
  append(entries: readonly NewEntry[]): Promise<readonly number[]>;
  /** Removes what stands under `subject` up to and including `sequence`. Behind the fence as far as the log allows. */
  purge(subject: string, sequence: number): Promise<void>;
};

/** Canonical configurations above this are refused in both adapters (bytes of the encoded envelope). */
export const maxEntryBytes = 512 * 1024;

/** How many entries each subject keeps, the last one for ever. */
export const keptPerSubject = 16;

/** More in one append are refused with a RangeError: it is the most that NATS takes as one batch. */
export const maxEntriesPerAppend = 1000;

/** Another leader was elected, or the log this one led is gone: stop deciding, and lead anew. */
export class NoLongerLeader extends Error {
  override readonly name: string = 'NoLongerLeader';
}

/** The log this leader led was deleted, made anew or cut short: lead again, and publish everything again. */
export class LogLost extends NoLongerLeader {
  override readonly name = 'LogLost';
}

export class EntryTooLarge extends Error {
  override readonly name = 'EntryTooLarge';
}

/** The log's size limit is reached; nothing was written, nothing was discarded. */
export class LogFull extends Error {
  override readonly name = 'LogFull';
}

/** Not reachable now; trying again later can help. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
}

/** Another process holds the log (SQLite), or it belongs to somebody else. */
export class LogInUse extends Error {
  override readonly name = 'LogInUse';
}
