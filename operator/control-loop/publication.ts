import { logEventTypes } from '../../contracts/log-events.ts';
import type { Leader } from '../../event-log/event-log.ts';
import { envelope, type Writing } from './entries.ts';
import { servingPoolOf } from './held.ts';
import type { States } from './states.ts';

/** What is told to pools, and where. */
export type Publication = {
  readonly states: States;
  readonly leader: Leader;
  readonly writing: Writing;
  /** Pools that are told even while they have no resource: their pods would never be ready. */
  readonly pools: readonly string[];
};

/**
 * Says, once per pool and life of the log, that everything wanted has been published: from then on
 * pods may take absence for removal. Answers the last sequence it wrote, or `null`.
 */
export async function publishPools(context: Publication): Promise<number | null> {
  const { states, leader, writing, pools } = context;
  const wanted = new Set([...pools, ...states.all().map(servingPoolOf).filter(Boolean)]);
  const missing = [...wanted].filter((pool) => !states.isPublished(pool, leader.logId));
  if (missing.length === 0) return null;

  const entries = missing.map((pool) => ({
    subject: writing.subjects.pool(pool),
    event: envelope(writing, logEventTypes.poolPublished, pool, { pool, logId: leader.logId }),
    lastOnly: true,
  }));
  const sequences = await leader.append(entries);
  for (const [index, { subject, event }] of entries.entries()) {
    states.applyOwn({ sequence: sequences[index] ?? 0, subject, event });
  }
  return sequences.at(-1) ?? null;
}

/** Says that entries were lost with an earlier log. */
export async function recordHistoryLost(
  { leader, writing }: Publication,
  knownSequence: number,
): Promise<void> {
  const { log, logJournal } = writing.subjects;
  const data = { logId: leader.logId, knownSequence };
  const event = envelope(writing, logEventTypes.historyLost, log, data);
  await leader.append([{ subject: logJournal, event }]);
}
