import type { Acknowledgement, Refusal } from '../../contracts/acknowledgement.ts';
import { type ConditionType, findCondition } from '../../contracts/conditions.ts';
import type { StatusReported } from '../../contracts/status.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import { createSeal } from '../../event-log/seal.ts';
import { generateSealingKey } from '../../event-log/sealing-keys.ts';
import { openSqliteEventLog } from '../../event-log/sqlite-event-log.ts';
import type { Listener } from '../../operator/control-loop/listener.ts';
import { type OperatorOptions, startOperator } from '../../operator/operator.ts';
import { silentLog } from '../../runtime/log.ts';
import { createTableSource, type TableSource } from './table-source.ts';
import type { Scope } from './teardowns.ts';

export const subjects = createSubjects();

/** One log, and what operators and pods do with it. */
export async function openWorld(t: Scope, { maxBytes = 1024 ** 3, file = ':memory:' } = {}) {
  const eventLog = await openSqliteEventLog({ file, subjects, maxBytes });
  t.teardown(() => eventLog[Symbol.asyncDispose]());
  const { acknowledgements } = eventLog;
  const seal = createSeal([generateSealingKey()]);

  /** Everything that is kept, or only one type of event. */
  async function entries(type = ''): Promise<readonly LogEntry[]> {
    const all = await Array.fromAsync(
      eventLog.history([`${subjects.log}.>`], new AbortController().signal),
    );
    return all.filter(({ event }) => event.type.includes(type));
  }

  return {
    eventLog,
    acknowledgements,
    seal,
    entries,
    /** The short names of what is kept, without status: `configured team-a/one`. */
    async story(): Promise<readonly string[]> {
      return (await entries())
        .filter(({ event }) => !event.type.includes('status'))
        .map(({ event }) => `${event.type.split('.').at(-2)} ${event.subject.split('/').at(-1)}`);
    },
    operate: (
      source: TableSource = createTableSource(),
      more: Partial<Omit<OperatorOptions, 'source'>> = {},
    ) => operate(t, { eventLog, acknowledgements, seal, source, ...more }),
    /** A pod that serves everything it reads of the log, except what it refuses. */
    startPod: (
      name = 'pod-1',
      refuse: (entry: LogEntry) => Refusal | null = () => null,
      keyIds: readonly string[] = [],
    ) => startPod(t, { eventLog, acknowledgements }, name, refuse, keyIds),
  };
}

type Needed = Pick<OperatorOptions, 'eventLog' | 'acknowledgements' | 'seal'>;

/** An operator with a source of its own, and what is heard of it. */
export function operate(
  t: Scope,
  options: Needed & Partial<OperatorOptions> & { readonly source: TableSource },
) {
  const statuses: StatusReported[] = [];
  const waiters = new Set<() => void>();
  const calls: string[] = [];
  const problems: string[] = [];
  const look = () => {
    for (const waiter of waiters) waiter();
  };
  const note = (call: string) => {
    calls.push(call);
    look();
  };
  const listener: Partial<Listener> = {
    onStatus(report) {
      statuses.push(report);
      look();
    },
    onRemoved: ({ name }) => note(`removed ${name}`),
    onPublished: ({ resources, historyLost }) =>
      note(`published ${resources}${historyLost ? ', history lost' : ''}`),
    onReady: () => note('ready'),
    onProblem(where, message) {
      problems.push(message);
      note(`problem ${where}`);
    },
  };
  const operator = startOperator({
    subjects,
    pools: ['default'],
    log: silentLog,
    ...options,
    listener,
  });
  t.teardown(() => operator[Symbol.asyncDispose]());

  /** Resolves as soon as `find` finds something. */
  function until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter = () => {
        const found = find();
        if (found === undefined) return;
        waiters.delete(waiter);
        resolve(found);
      };
      waiters.add(waiter);
      operator.ended.catch(reject);
      waiter();
    });
  }

  return {
    ...operator,
    source: options.source,
    statuses,
    calls,
    /** What was said with the calls `problem WHERE`. */
    problems,
    called: (call: string) => until(() => (calls.includes(call) ? true : undefined)),
    /** The first report about `name` from now on (or `from` a position) that matches. */
    status: (
      name: string,
      matches: (summary: string, report: StatusReported) => boolean,
      from = 0,
    ) =>
      until(() =>
        statuses
          .slice(from)
          .find((report) => report.name === name && matches(summarise(report), report)),
      ),
    stop: () => operator[Symbol.asyncDispose](),
  };
}

/** `Accepted=True/Accepted@1 Programmed=False/Pending@1 …` */
export function summarise({ status }: StatusReported): string {
  return status.conditions
    .map(
      ({ type, status: value, reason, observedGeneration }) =>
        `${type}=${value}/${reason}@${observedGeneration}`,
    )
    .join(' ');
}

export function isProgrammed(summary: string): boolean {
  return summary.includes('Programmed=True/Programmed@');
}

export function message(report: StatusReported, type: ConditionType): string {
  return findCondition(report.status.conditions, type)?.message ?? '';
}

function startPod(
  t: Scope,
  { eventLog, acknowledgements }: Omit<Needed, 'seal'>,
  instance: string,
  refuse: (entry: LogEntry) => Refusal | null,
  firstKeyIds: readonly string[],
) {
  const stop = new AbortController();
  let keyIds = firstKeyIds;
  const refusals = new Map<string, Refusal>();
  const say = (logId: string, applied: number, draining = false): Promise<void> => {
    const acknowledgement: Acknowledgement = {
      instance,
      pool: 'default',
      logId,
      applied,
      digest: String(applied),
      refusals: [...refusals.values()],
      refusalCount: refusals.size,
      eventTypes: [],
      keyIds,
      draining,
    };
    return acknowledgements.send(acknowledgement);
  };
  const serving = Promise.withResolvers<void>();
  let last = { logId: '', applied: 0 };
  let served = false;
  const take = (entry: LogEntry) => {
    served ||= entry.event.type.includes('published');
    const refusal = refuse(entry);
    if (refusal === null) refusals.delete(entry.subject);
    else refusals.set(entry.subject, refusal);
  };

  const running = (async () => {
    for await (const update of eventLog.follow([subjects.allConfig], stop.signal)) {
      if (update.type === 'snapshot') {
        update.entries.forEach(take);
        last = { logId: update.logId, applied: update.sequence };
      } else if (update.type === 'entry') {
        take(update.entry);
        last = { logId: update.logId, applied: update.entry.sequence };
      }
      await say(last.logId, last.applied);
      if (served) serving.resolve();
    }
  })();
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  return {
    /** It has acknowledged everything that was wanted at the start. */
    serving: serving.promise,
    speak: () => say(last.logId, last.applied),
    /** It holds other sealing keys from now on. */
    hold(held: readonly string[]) {
      keyIds = held;
      return say(last.logId, last.applied);
    },
    drain: () => say(last.logId, last.applied, true),
  };
}
