import type { ResourceKey } from './resource-key.ts';
import { isLocal, type ServiceReference } from './service-reference.ts';

/**
 * Every stream and subject there is, built here only. `log` is `headgate` or `--log-name`.
 *
 *   <log>.config.<pool>.<kind>.<ns>.<name>     what pods act upon: Configured, Removed
 *   <log>.config.<pool>._secret.<ns>.<name>    sealed secret material, last only
 *   <log>.config.<pool>._endpoints.<ns>.<name> who serves a Service, last only; to resources of
 *                                              another namespace, whose name is one more token
 *   <log>.config.<pool>._pool                  PoolPublished, last only
 *   <log>.journal.<pool>.<kind>.<ns>.<name>    the rest of a resource's life: Rejected, …
 *   <log>.status.<pool>.<kind>.<ns>.<name>     the projected status (directory source), last only
 *   <log>.leader                               LeaderElected
 *   <log>.ack.<pool>.<pod>                     what a pod runs; a stream of its own
 */
export type Subjects = ReturnType<typeof createSubjects>;

export function createSubjects(log = 'headgate') {
  const of = (family: string) => (pool: string, key: ResourceKey) =>
    `${log}.${family}.${token(pool)}.${resourceOf(key)}`;
  return {
    log,
    /** Everything but acknowledgements. */
    stream: log,
    streamSubjects: [`${log}.config.>`, `${log}.journal.>`, `${log}.status.>`, `${log}.leader`],
    ackStream: `${log}-ack`,
    leader: `${log}.leader`,
    config: of('config'),
    journal: of('journal'),
    status: of('status'),
    secret: (pool: string, namespace: string, name: string) =>
      `${log}.config.${token(pool)}._secret.${token(namespace)}.${token(name)}`,
    endpoints: (pool: string, { namespace, name, from }: ServiceReference) =>
      `${log}.config.${token(pool)}._endpoints.${token(namespace)}.${token(name)}${isLocal({ namespace, from }) ? '' : `.${token(from)}`}`,
    pool: (pool: string) => `${log}.config.${token(pool)}._pool`,
    ack: (pool: string, pod: string) => `${log}.ack.${token(pool)}.${token(pod)}`,
    /** Journal entries about the log itself: HistoryLost. */
    logJournal: `${log}.journal._log`,
    /** The token of the pool in a subject built here; it serves as the pool's name in all others. */
    poolOf: (subject: string) => subject.slice(log.length + 1).split('.')[1] ?? '',
    /** What tells one resource from others, whatever the pool: of a subject, and of a key. */
    resourceIn: (subject: string) =>
      subject
        .slice(log.length + 1)
        .split('.')
        .slice(2)
        .join('.'),
    resourceOf,
    allConfig: `${log}.config.>`,
    allConfigOf: (pool: string) => `${log}.config.${token(pool)}.>`,
    allJournal: `${log}.journal.>`,
    allStatus: `${log}.status.>`,
    allAcks: `${log}.ack.>`,
    acksOf: (pool: string) => `${log}.ack.${token(pool)}.*`,
    /** Where answers and deliveries go. One per kind of NATS user: nobody hears what another asked for. */
    inboxes: {
      operator: `_HEADGATE.${log}.operator`,
      reader: `_HEADGATE.${log}.reader`,
      pool: (pool: string) => `_HEADGATE.${log}.pool.${token(pool)}`,
    },
  };
}

function resourceOf({ kind, namespace, name }: ResourceKey): string {
  return `${kind.toLowerCase()}.${token(namespace)}.${token(name)}`;
}

/**
 * Names may contain dots, which separate tokens; Kubernetes names never contain `_`. Other names
 * (a host's, a pool's) may hold wildcards and blanks: nobody's token may stand for others.
 */
function token(name: string): string {
  const text = name.replaceAll('.', '_').replaceAll(/[^A-Za-z0-9_-]/gu, escaped);
  return text === '' ? '=' : text;
}

function escaped(character: string): string {
  return `=${character.codePointAt(0)?.toString(16) ?? ''}=`;
}
