import { createHash, randomBytes } from 'node:crypto';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { ResourceStatus, StatusReported } from '../../contracts/status.ts';
import type { Log } from '../../runtime/log.ts';
import type { KubernetesEventOutcome } from '../metrics.ts';
import { isNotFound, type KubernetesApi } from './api.ts';
import { type Budget, createBudget } from './event-budget.ts';
import { microTime } from './lease.ts';
import { limitConcurrency } from './limit-concurrency.ts';
import { type News, newsOf } from './news.ts';
import { apiVersion } from './our-types.ts';
import { pathOf, resourceTypes } from './resource-types.ts';

/**
 * Events of Kubernetes: for people who look, never for programs, and the first thing that is left
 * out when there is too much to do.
 */
export type EventRecorder = AsyncDisposable & {
  /** Tells what is new since the last report; of the first one, since what stood in the API server. */
  report(report: StatusReported): void;
  removed(key: ResourceKey): void;
  /** The event log had to be made anew. */
  historyLost(resources: number): void;
  /** Another operator leads in the event log; resolves when that is written. */
  logContested(): Promise<void>;
};

type Options = {
  readonly api: KubernetesApi;
  /** The operator's own pod. */
  readonly pod: { readonly namespace: string; readonly name: string };
  /** What stood in the API server before. */
  readonly statusBefore: (key: ResourceKey, uid: string) => ResourceStatus | null;
  readonly mayWrite: () => boolean;
  readonly onOutcome: (outcome: KubernetesEventOutcome) => void;
  readonly log: Log;
  readonly limits?: Partial<EventLimits>;
};

export type EventLimits = {
  /** Of one object; more are counted in the series of the last one like it. */
  readonly perObject: { readonly atOnce: number; readonly perSecond: number };
  /** Of each type, Normal and Warning; more are dropped. */
  readonly perType: { readonly atOnce: number; readonly perSecond: number };
  /** A series is written at most this often. */
  readonly seriesMs: number;
};

const defaultLimits: EventLimits = {
  perObject: { atOnce: 10, perSecond: 1 / 30 },
  perType: { atOnce: 100, perSecond: 10 },
  seriesMs: 10_000,
};

type Regarding = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
};

/** The last event of an object and reason, and how often it has happened since. */
type Series = {
  readonly path: string;
  readonly created: Promise<void>;
  count: number;
  timer: NodeJS.Timeout | null;
};

const writesAtOnce = 4;
const reportingController = 'headgate.dev/operator';

export function createEventRecorder(options: Options): EventRecorder {
  const { api, pod, statusBefore, mayWrite, onOutcome, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const stopped = new AbortController();
  const inTurn = limitConcurrency(writesAtOnce);
  const ourPod = { apiVersion: 'v1', kind: 'Pod', ...pod };
  const told = new Map<string, { readonly uid: string; readonly status: ResourceStatus }>();
  const budgets = new Map<string, Budget>();
  const series = new Map<string, Series>();
  const perType = {
    Normal: createBudget(limits.perType.atOnce, limits.perType.perSecond),
    Warning: createBudget(limits.perType.atOnce, limits.perType.perSecond),
  };

  function tell(regarding: Regarding, news: News): void {
    const id = idOf(regarding);
    const budget =
      budgets.get(id) ?? createBudget(limits.perObject.atOnce, limits.perObject.perSecond);
    budgets.set(id, budget);
    const now = performance.now();
    if (!budget.take(now)) return count(`${id} ${news.reason}`);
    if (!perType[news.type].take(now)) return onOutcome('dropped');
    const name = nameOf(regarding);
    const { namespace } = regarding;
    const path = pathOf(resourceTypes.events, { namespace, name });
    clearTimeout(series.get(`${id} ${news.reason}`)?.timer ?? undefined);
    const created = write(() =>
      api.create(pathOf(resourceTypes.events, { namespace }), eventOf(name, regarding, news), {
        ...{ signal: stopped.signal, mayStart: mayWrite },
      }),
    );
    series.set(`${id} ${news.reason}`, { path, created, count: 1, timer: null });
  }

  /** Once more the same: the number goes up, the text stays. */
  function count(id: string): void {
    const last = series.get(id);
    if (last === undefined) return onOutcome('dropped');
    last.count += 1;
    last.timer ??= setTimeout(() => {
      last.timer = null;
      const { path, count: times } = last;
      const options = { signal: stopped.signal, mayStart: mayWrite };
      const body = { series: { count: times, lastObservedTime: microTime() } };
      const patch = () => api.mergePatch(path, body, options);
      void last.created.then(() => write(patch));
    }, limits.seriesMs);
  }

  async function write(request: () => Promise<unknown>): Promise<void> {
    await inTurn(async () => {
      if (stopped.signal.aborted || !mayWrite()) return onOutcome('dropped');
      try {
        await request();
        onOutcome('emitted');
      } catch (error) {
        if (stopped.signal.aborted) return;
        onOutcome('failed');
        if (!isNotFound(error)) log.debug('an event could not be written', { error });
      }
    });
  }

  function eventOf(name: string, regarding: Regarding, news: News) {
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace: regarding.namespace },
      eventTime: microTime(),
      reportingController,
      reportingInstance: pod.name.slice(0, 128),
      regarding,
      ...news,
    };
  }

  return {
    report(report) {
      const { kind, namespace, name, uid, status } = report;
      const id = formatKey(report);
      const last = told.get(id);
      const before = last?.uid === uid ? last.status : statusBefore(report, uid);
      told.set(id, { uid, status });
      const regarding = { apiVersion, kind, namespace, name, uid };
      for (const news of newsOf(before, report)) tell(regarding, news);
    },
    removed(key) {
      const id = formatKey(key);
      told.delete(id);
      budgets.delete(id);
      for (const [of, { timer }] of series) {
        if (!of.startsWith(`${id} `)) continue;
        clearTimeout(timer ?? undefined);
        series.delete(of);
      }
    },
    historyLost(resources) {
      const note = `the event log was gone and has been made anew: ${resources} resources were published again, their history is lost`;
      tell(ourPod, { type: 'Warning', reason: 'HistoryLost', action: 'Rebuild', note });
    },
    async logContested() {
      const reason = 'LogContested';
      const note =
        'another operator has begun to lead in the event log, though this one has the lease: if that goes on, two installations share the log by mistake; give each a HEADGATE_LOG_NAME of its own';
      tell(ourPod, { type: 'Warning', reason, action: 'Record', note });
      await series.get(`${idOf(ourPod)} ${reason}`)?.created;
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      for (const { timer } of series.values()) clearTimeout(timer ?? undefined);
    },
  };
}

function idOf({ kind, namespace, name }: Regarding): string {
  return `${kind}/${namespace}/${name}`;
}

/** Of its own each time, and told from those of others by its beginning. */
function nameOf({ name, uid = '' }: Regarding): string {
  const unique = createHash('sha256').update(uid).update(randomBytes(8)).digest('hex');
  return `${name.slice(0, 200).replace(/[-.]+$/, '')}.${unique.slice(0, 16)}`;
}
