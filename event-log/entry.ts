import { Buffer } from 'node:buffer';
import { decodeEnvelope, encodeEnvelope } from '../contracts/envelope.ts';
import {
  EntryTooLarge,
  type FollowUpdate,
  type LogEntry,
  maxEntryBytes,
  type NewEntry,
} from './event-log.ts';

/** An entry as it is stored, not yet looked at. */
export type StoredEntry = {
  readonly sequence: number;
  readonly subject: string;
  readonly text: string;
};

/** The bytes of an entry. Refuses what is above the limit before anything is sent. */
export function encodeEntry({ subject, event }: NewEntry): string {
  const text = encodeEnvelope(event);
  const size = Buffer.byteLength(text);
  if (size <= maxEntryBytes) return text;
  throw new EntryTooLarge(
    `the event for ${event.subject} under ${subject} has ${size} bytes, more than the ${maxEntryBytes} an entry may have`,
  );
}

function decodeEntry({ sequence, subject, text }: StoredEntry): LogEntry {
  return { sequence, subject, event: decodeEnvelope(`${sequence} of ${subject}`, text) };
}

/** `null` for one that nobody can read: history goes on without it. */
export function tryDecode(stored: StoredEntry): LogEntry | null {
  try {
    return decodeEntry(stored);
  } catch {
    return null;
  }
}

/** An entry as a follower gets it: one it cannot read must not stop the ones behind it. */
export function toUpdate(logId: string, stored: StoredEntry): FollowUpdate {
  try {
    return { type: 'entry', logId, entry: decodeEntry(stored) };
  } catch (error) {
    return malformed(stored, error);
  }
}

/** A snapshot, and before it one `malformed` per entry that it lacks because nobody can read it. */
export function* toSnapshot(
  logId: string,
  sequence: number,
  stored: readonly StoredEntry[],
): Generator<FollowUpdate> {
  const entries: LogEntry[] = [];
  for (const one of stored) {
    try {
      entries.push(decodeEntry(one));
    } catch (error) {
      yield malformed(one, error);
    }
  }
  yield { type: 'snapshot', logId, sequence, entries };
}

function malformed({ sequence, subject }: StoredEntry, error: unknown): FollowUpdate {
  const problem = error instanceof Error ? error.message : String(error);
  return { type: 'malformed', sequence, subject, problem };
}

/** Whether a subject is meant by a list of subjects and `prefix.>` patterns. */
export function matchSubjects(patterns: readonly string[]): (subject: string) => boolean {
  const prefixes = patterns.filter(isPrefix).map((pattern) => pattern.slice(0, -1));
  const exact = new Set(patterns.filter((pattern) => !isPrefix(pattern)));
  return (subject) => exact.has(subject) || prefixes.some((prefix) => subject.startsWith(prefix));
}

export function isPrefix(pattern: string): boolean {
  return pattern.endsWith('.>');
}
