import type { ExecutionContext } from 'ava';
import type { Subjects } from '../../contracts/subjects.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import { testAppending } from './event-log-appending.ts';
import { testFollowing } from './event-log-following.ts';

/** A log nobody has led yet, closed with the test. */
export type OpenLog = (
  t: ExecutionContext,
  options?: { readonly maxBytes?: number },
) => Promise<{
  readonly log: EventLog;
  readonly subjects: Subjects;
}>;

/** What every event log promises. */
export function testEventLog(name: string, open: OpenLog): void {
  testAppending(name, open);
  testFollowing(name, open);
}
