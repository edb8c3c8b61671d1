import { randomUUID } from 'node:crypto';
import type { Envelope } from '../contracts/envelope.ts';
import { logEventTypes } from '../contracts/log-events.ts';

/** The event by which a leader begins; the sequence it gets is the leader's epoch. */
export function leaderElected(log: string, logId: string, holder: string): Envelope {
  return {
    id: randomUUID(),
    source: holder,
    type: logEventTypes.leaderElected,
    subject: log,
    time: new Date().toISOString(),
    data: { type: 'LeaderElected', holder, logId },
  };
}
