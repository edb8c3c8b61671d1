import type { Subjects } from '../../contracts/subjects.ts';
import {
  type EventLog,
  type FollowUpdate,
  type Leader,
  LogLost,
  LogUnavailable,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import type { Log } from '../../runtime/log.ts';
import type { States } from './states.ts';

export type FollowOptions = {
  readonly eventLog: EventLog;
  readonly subjects: Subjects;
  readonly leader: Leader;
  readonly states: States;
  readonly log: Log;
  /** The log is as it was read: everything in it is folded. */
  readonly onSnapshot: () => void;
  /** Nothing can be known until the next snapshot. */
  readonly onOutage: () => void;
  /** Our own election was read: from here on nobody else decides. */
  readonly onCaughtUp: () => void;
};

/**
 * Folds the log for as long as a leader leads. Throws {@link NoLongerLeader} when another was
 * elected, {@link LogLost} when the log it led is gone.
 */
export async function followTerm(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { eventLog, subjects } = options;
  const { allConfig, allJournal, allStatus, leader: elections } = subjects;
  const followed = [allConfig, allJournal, allStatus, elections];
  for await (const update of eventLog.follow(followed, signal)) {
    if (update.type === 'disconnected') await waitForLog(options, update.problem);
    else take(options, update);
  }
}

function take(options: FollowOptions, update: Exclude<FollowUpdate, { type: 'disconnected' }>) {
  const { states, leader, log } = options;
  if (update.type === 'snapshot') {
    if (update.logId !== leader.logId) throw new LogLost(`this is another log: ${update.logId}`);
    states.reset(update.entries, update.sequence);
    for (const entry of update.entries) checkElection(options, entry);
    options.onSnapshot();
  } else if (update.type === 'entry') {
    states.apply(update.entry);
    checkElection(options, update.entry);
  } else {
    states.skipped(update);
    log.warn('an entry of the log could not be read', update);
  }
}

function checkElection(
  { subjects, leader, onCaughtUp }: FollowOptions,
  { subject, sequence }: { subject: string; sequence: number },
): void {
  if (subject !== subjects.leader) return;
  if (sequence > leader.epoch) {
    throw new NoLongerLeader(`leader ${leader.epoch} was replaced by leader ${sequence}`);
  }
  if (sequence === leader.epoch) onCaughtUp();
}

/** Only a lost log is worth another election; one that is merely away comes back. */
async function waitForLog(
  { subjects, leader, states, log, onOutage }: FollowOptions,
  problem: string,
): Promise<void> {
  log.warn('the log is out of reach', { problem });
  states.disconnected();
  onOutage();
  // Purges nothing: it asks who leads.
  await leader.purge(subjects.logJournal, 0).catch((error: unknown) => {
    if (!(error instanceof LogUnavailable)) throw error;
  });
}
