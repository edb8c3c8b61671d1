import type { ExecutionContext } from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import type { ControlPlane } from './control-plane.ts';
import { follow } from './follow-log.ts';

/** Every entry since it began to listen, also those that the log keeps no longer. */
export type LogTap = {
  readonly all: readonly LogEntry[];
  /** Resolves once that holds of all entries seen. */
  until(isTrue: (entries: readonly LogEntry[]) => boolean): Promise<void>;
};

/** Listens to the log until the test ends. NATS has to stay: what passes while it is away is not seen. */
export async function tapLog(
  t: ExecutionContext,
  plane: Pick<ControlPlane, 'openLog'>,
): Promise<LogTap> {
  const log = await plane.openLog();
  t.teardown(() => log[Symbol.asyncDispose]());
  const { allConfig, allJournal, leader } = createSubjects();
  const follower = follow(t, log, [allConfig, allJournal, leader]);
  const all: LogEntry[] = [];
  let changed = Promise.withResolvers<void>();

  async function listen(): Promise<void> {
    for (;;) {
      const update = await follower.next().catch(() => null);
      if (update === null) return;
      const newest = all.at(-1)?.sequence ?? 0;
      if (update.type === 'snapshot') {
        all.push(...update.entries.filter(({ sequence }) => sequence > newest));
        all.sort((one, other) => one.sequence - other.sequence);
      } else if (update.type === 'entry') all.push(update.entry);
      changed.resolve();
      changed = Promise.withResolvers();
    }
  }
  void listen();
  return {
    all,
    async until(isTrue) {
      while (!isTrue(all)) await changed.promise;
    },
  };
}
