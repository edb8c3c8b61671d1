import { parseKey } from '../contracts/resource-key.ts';
import type { Subjects } from '../contracts/subjects.ts';
import type { LogEntry } from '../event-log/event-log.ts';

/** Which events are wanted; all that is given has to fit. */
export type EventFilter = {
  /** Part of `KIND/NAMESPACE/NAME`. */
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly pool: string | undefined;
  /** RFC 3339, UTC: when the first of them may have been written. */
  readonly since: string | undefined;
};

export function createEventFilter(
  { resource, namespace, pool, since }: EventFilter,
  subjects: Subjects,
): (entry: LogEntry) => boolean {
  const poolToken = pool === undefined ? null : subjects.poolOf(subjects.pool(pool));
  const sinceMs = since === undefined ? null : Date.parse(since);
  return ({ subject, event }) =>
    (resource === undefined || event.subject.includes(resource)) &&
    (namespace === undefined || namespaceOf(event.subject) === namespace) &&
    (poolToken === null ||
      (isOfAPool(subject, subjects) && subjects.poolOf(subject) === poolToken)) &&
    (sinceMs === null || Date.parse(event.time) >= sinceMs);
}

/** Events about the log itself are of no pool. */
function isOfAPool(subject: string, { leader, logJournal }: Subjects): boolean {
  return subject !== leader && subject !== logJournal;
}

/** Of a resource, or of a Secret (`Secret/team-a/users`). */
function namespaceOf(subject: string): string | null {
  const key = parseKey(subject);
  if (key !== null) return key.namespace;
  const [, namespace, name] = subject.split('/');
  return name === undefined ? null : (namespace ?? null);
}
