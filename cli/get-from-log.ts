import { isRecord } from '../contracts/json.ts';
import { isStatusReported, type StatusReported } from '../contracts/status.ts';
import type { FollowUpdate, LogEntry } from '../event-log/event-log.ts';
import type { GetQuery, Resources } from './get.ts';
import { type OpenedLog, readSnapshot, sayTrouble } from './open-log.ts';
import type { ShownResource } from './resource-table.ts';

/** Resources as the operator reported them into the log. */
export function findInLog(log: OpenedLog, withConfig: boolean): Resources {
  const { reader, subjects } = log;
  const wanted = withConfig ? [subjects.allStatus, subjects.allConfig] : [subjects.allStatus];
  /** The last entry of each subject that pods act upon. */
  const configs = new Map<string, LogEntry>();
  let seen = { logId: '', sequence: 0 };

  /** Statuses among these, newer than what was seen before. */
  function* take(query: GetQuery, entries: readonly LogEntry[]): Generator<ShownResource> {
    for (const entry of entries) configs.set(entry.subject, entry);
    for (const { sequence, event } of entries) {
      if (sequence <= seen.sequence) continue;
      seen = { ...seen, sequence };
      if (!isStatusReported(event.data) || !isMeant(event.data, query)) continue;
      const inForce = configs.get(subjects.config(event.data.pool, event.data));
      yield toShown(event.data, inForce);
    }
  }

  function* takeUpdate(query: GetQuery, update: FollowUpdate): Generator<ShownResource> {
    switch (update.type) {
      case 'snapshot':
        // In a log that was made anew everything is news.
        if (update.logId !== seen.logId) seen = { logId: update.logId, sequence: 0 };
        yield* take(query, update.entries);
        break;
      case 'entry':
        yield* take(query, [update.entry]);
        break;
      default:
        sayTrouble(update);
    }
  }

  return {
    async list(query) {
      const snapshot = await readSnapshot(reader, wanted);
      const isReported = snapshot.entries.some(({ event }) => isStatusReported(event.data));
      if (!isReported) await explainAbsence(log);
      return [...takeUpdate(query, snapshot)];
    },

    async *changes(query, signal) {
      for await (const update of reader.follow(wanted, signal)) yield* takeUpdate(query, update);
    },

    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

function isMeant(each: StatusReported, { kind, name, namespace }: GetQuery): boolean {
  return (
    each.kind === (kind ?? each.kind) &&
    each.name === (name ?? each.name) &&
    each.namespace === (namespace ?? each.namespace)
  );
}

function toShown(reported: StatusReported, last: LogEntry | undefined): ShownResource {
  const { kind, namespace, name, uid, generation, createdAt, pool, status } = reported;
  const data = last?.sequence === status.configVersion ? last?.event.data : null;
  const config = isRecord(data) && isRecord(data['config']) ? { config: data['config'] } : {};
  const metadata = { name, namespace, uid, generation, creationTimestamp: createdAt };
  const object = { apiVersion: 'headgate.dev/v1alpha1', kind, metadata, ...config, status };
  return { kind, namespace, name, pool, createdAt, status, object };
}

/** The log of a cluster has no statuses: they are in its API server. */
async function explainAbsence({ reader, subjects }: OpenedLog): Promise<void> {
  const { entries } = await readSnapshot(reader, [subjects.allConfig]);
  const [foreign] = entries.filter(({ event }) => !event.source.startsWith('directory:'));
  if (foreign === undefined) return;
  process.stderr.write(
    'the status of what is in this log is in its cluster: kubectl headgate get\n',
  );
}
