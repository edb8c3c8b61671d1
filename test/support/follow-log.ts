import type { ExecutionContext } from 'ava';
import type { EventLog, FollowUpdate, LogEntry } from '../../event-log/event-log.ts';

/** The updates of a follower one by one; it ends with the test. */
export function follow(t: ExecutionContext, log: EventLog, subjects: readonly string[]) {
  const stop = new AbortController();
  const updates = log.follow(subjects, stop.signal)[Symbol.asyncIterator]();
  t.teardown(() => stop.abort());

  async function next(): Promise<FollowUpdate> {
    const { done, value } = await updates.next();
    if (done) throw new Error('the follower ended');
    return value;
  }

  async function nextOf<Type extends FollowUpdate['type']>(
    type: Type,
  ): Promise<Extract<FollowUpdate, { type: Type }>> {
    while (true) {
      const update = await next();
      if (isOf(update, type)) return update;
    }
  }

  return { next, nextOf, stop: () => stop.abort(), ended: () => updates.next() };
}

function isOf<Type extends FollowUpdate['type']>(
  update: FollowUpdate,
  type: Type,
): update is Extract<FollowUpdate, { type: Type }> {
  return update.type === type;
}

export async function readAll(log: EventLog, subjects: readonly string[]): Promise<LogEntry[]> {
  return Array.fromAsync(log.history(subjects, new AbortController().signal));
}

export function dataOf(entries: readonly LogEntry[]): unknown[] {
  return entries.map(({ event }) => event.data);
}
