import type { Acknowledgement } from '../contracts/acknowledgement.ts';
import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from '../event-log/acknowledgements.ts';
import {
  EntryTooLarge,
  type EventLog,
  type FollowUpdate,
  type Leader,
  LogFull,
  LogUnavailable,
  NoLongerLeader,
} from '../event-log/event-log.ts';
import type { AppendOutcome, OperatorMetrics } from './metrics.ts';

export type Metered = {
  readonly eventLog: EventLog;
  readonly acknowledgements: Acknowledgements;
};

/** The same log and acknowledgements; what passes is counted. Whoever leads says itself when it no longer does. */
export function meterEventLog(
  { eventLog, acknowledgements }: Metered,
  subjects: Subjects,
  metrics: OperatorMetrics,
): Metered {
  let logId = '';

  async function lead(holder: string, floor?: number): Promise<Leader> {
    const leader = await eventLog.lead(holder, floor).catch((error: unknown) => {
      if (error instanceof LogUnavailable) metrics.disconnected();
      throw error;
    });
    logId = leader.logId;
    metrics.leads(leader.epoch);
    return {
      ...leader,
      append: (entries) => timed(() => leader.append(entries), metrics),
      purge: (subject, sequence) => leader.purge(subject, sequence),
    };
  }

  async function* follow(
    followed: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<FollowUpdate> {
    const progress = createProgress(subjects, metrics);
    try {
      for await (const update of eventLog.follow(followed, signal)) {
        progress.begin(update);
        yield update;
        progress.end(update);
      }
    } finally {
      metrics.notFollowing();
    }
  }

  async function* watch(signal: AbortSignal): AsyncGenerator<Acknowledgement> {
    for await (const acknowledgement of acknowledgements.watch(signal)) {
      metrics.acknowledged(resultOf(acknowledgement, logId));
      yield acknowledgement;
    }
  }

  return {
    eventLog: {
      lead,
      follow,
      async size() {
        const size = await eventLog.size();
        metrics.eventLogSize(size.bytes, size.maxBytes);
        return size;
      },
      history: (wanted, signal) => eventLog.history(wanted, signal),
      [Symbol.asyncDispose]: () => eventLog[Symbol.asyncDispose](),
    },
    acknowledgements: {
      send: (said) => acknowledgements.send(said),
      latest: (signal) => acknowledgements.latest(signal),
      watch,
    },
  };
}

async function timed(
  append: () => Promise<readonly number[]>,
  metrics: OperatorMetrics,
): Promise<readonly number[]> {
  const beganMs = performance.now();
  try {
    const sequences = await append();
    metrics.appended('appended', performance.now() - beganMs);
    return sequences;
  } catch (error) {
    metrics.appended(outcomeOf(error), performance.now() - beganMs);
    throw error;
  }
}

function outcomeOf(error: unknown): AppendOutcome {
  if (error instanceof NoLongerLeader) return 'fenced';
  if (error instanceof LogFull) return 'full';
  if (error instanceof LogUnavailable) return 'unavailable';
  if (error instanceof EntryTooLarge) return 'too_large';
  return 'failed';
}

/** How far the log is known, and up to where the pods of each pool have to follow. */
function createProgress({ allConfig, poolOf }: Subjects, metrics: OperatorMetrics) {
  const published = new Map<string, number>();
  const configPrefix = allConfig.slice(0, -1);
  let askedAtMs = performance.now();

  function publish({ subject, sequence }: { subject: string; sequence: number }): void {
    if (!subject.startsWith(configPrefix)) return;
    const pool = poolOf(subject);
    published.set(pool, Math.max(published.get(pool) ?? 0, sequence));
  }

  return {
    begin(update: FollowUpdate): void {
      switch (update.type) {
        case 'disconnected':
          askedAtMs = performance.now();
          return metrics.disconnected();
        case 'snapshot':
          published.clear();
          update.entries.forEach(publish);
          metrics.followed(update.sequence);
          return metrics.showPublished(published);
        case 'entry':
          publish(update.entry);
          metrics.followed(update.entry.sequence);
          return metrics.showPublished(published);
        case 'malformed':
          return;
      }
    },
    /** Whoever follows has dealt with it. */
    end({ type }: FollowUpdate): void {
      if (type === 'snapshot') metrics.rebuilt(performance.now() - askedAtMs);
    },
  };
}

function resultOf(acknowledgement: Acknowledgement, logId: string) {
  if (acknowledgement.logId !== logId || acknowledgement.applied === 0) return 'ignored';
  return acknowledgement.refusalCount > 0 ? 'refused' : 'applied';
}
