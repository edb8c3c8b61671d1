import { formatKey } from '../../contracts/resource-key.ts';
import { LogInUse } from '../../event-log/event-log.ts';
import type { States } from './states.ts';

/** Refuses a log in which somebody else's resources live. */
export function checkOwner(states: States, sourceId: string): void {
  const other = states.all().find(({ source }) => source !== sourceId);
  if (other === undefined) return;
  throw new LogInUse(
    `the log belongs to ${other.source}, which published ${formatKey(other.key)}; this is ${sourceId}. To take it over, start with --adopt`,
  );
}
