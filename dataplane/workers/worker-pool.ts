import { randomInt } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Log } from '../../runtime/log.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { reclaimClientCounts } from '../limits/client-counts.ts';
import { reclaimCopyBudget } from '../limits/copy-budget.ts';
import { reclaimIdleBoard } from '../limits/idle-board.ts';
import { limitsMemory, reclaimLimits } from '../limits/shared-limits.ts';
import type { BoundSocket } from '../net/listen.ts';
import type { FromWorker, Snapshot, ToWorker, WorkerSettings } from './messages.ts';
import { changeFor, knowledgeOf, nothingKnown, type ThreadKnowledge } from './thread-knowledge.ts';

/** The serving threads, seen from the main thread. A thread that dies is replaced. */
export type WorkerPool = AsyncDisposable & {
  /** Resolves when every live thread serves it. `bound` holds a socket for each of `snapshot.sockets`. */
  apply(snapshot: Snapshot, bound: ReadonlyMap<string, BoundSocket>): Promise<void>;
  /** Resolves when every thread has finished its connections or cut them. */
  drain(): Promise<void>;
};

export type WorkerPoolSettings = {
  readonly workers: number;
  readonly dnsServers: readonly string[];
  readonly hostsFile: string;
  readonly resolvConf: string;
  readonly maxConnections: number;
  readonly metrics: Metrics;
  readonly logger: Log;
  onAccessLog(lines: string): void;
  onCheckPassword(
    request: FromWorker & { readonly type: 'checkPassword' },
    done: (message: ToWorker) => void,
  ): void;
  onRestart(): void;
  /** Threads keep dying: whoever runs this process has to know. */
  onHopeless(error: Error): void;
};

type Thread = {
  readonly worker: Worker;
  readonly index: number;
  known: ThreadKnowledge;
  applied: number;
  drained: boolean;
};

/** `worker.ts`, or `worker.js` in a build. */
const workerFile = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url);

/** So many deaths within a minute are not bad luck. */
const hopelessDeaths = 5;
const deathWindowMs = 60_000;

export async function startWorkerPool(settings: WorkerPoolSettings): Promise<WorkerPool> {
  const seed = randomInt(2 ** 31);
  const podLimits = limitsMemory(settings.workers);
  const threads = new Map<number, Thread>();
  const deaths: number[] = [];
  let current: { snapshot: Snapshot; bound: ReadonlyMap<string, BoundSocket> } | null = null;
  let changed = Promise.withResolvers<void>();
  let closing = false;
  let draining = false;

  /** Wakes everybody who waits for threads to get somewhere. */
  function notify(): void {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition() && !closing) await changed.promise;
  }

  function start(index: number): Promise<void> {
    const workerData: WorkerSettings = {
      worker: index,
      workers: settings.workers,
      dnsServers: settings.dnsServers,
      hostsFile: settings.hostsFile,
      resolvConf: settings.resolvConf,
      seed,
      podLimits,
      maxConnections: settings.maxConnections,
    };
    const worker = new Worker(workerFile, { workerData });
    const thread: Thread = { worker, index, known: nothingKnown, applied: 0, drained: false };
    threads.set(index, thread);
    const ready = Promise.withResolvers<void>();
    let failure: Error | null = null;
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'ready') ready.resolve();
      else receive(thread, message);
    });
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', (code) => {
      ready.reject(failure ?? new Error(`serving thread ended with ${code} before it was ready`));
      died(thread, failure ?? new Error(`serving thread ended with ${code}`));
    });
    return ready.promise;
  }

  function receive(thread: Thread, message: FromWorker): void {
    const { logger, metrics } = settings;
    switch (message.type) {
      case 'ready':
        break;
      case 'applied':
        thread.applied = message.version;
        notify();
        break;
      case 'drained':
        thread.drained = true;
        notify();
        break;
      case 'checkPassword':
        settings.onCheckPassword(message, (answer) => thread.worker.postMessage(answer));
        break;
      case 'evictIdle':
        evictIdle(thread, message);
        break;
      case 'idleEvicted':
        post(message.asker, { type: 'idleEvicted', id: message.id });
        break;
      case 'accessLog':
        settings.onAccessLog(message.lines);
        break;
      case 'meter':
        metrics.receive(1 + thread.index, message.message);
        break;
      case 'log':
        logger[message.level](message.message, { worker: thread.index, ...message.fields });
        break;
    }
  }

  function evictIdle(
    { index: asker }: Thread,
    { uid, holder, id }: FromWorker & { readonly type: 'evictIdle' },
  ): void {
    if (threads.has(holder)) post(holder, { type: 'evictIdle', uid, asker, id });
    else post(asker, { type: 'idleEvicted', id }); // its connections went with it
  }

  function post(index: number, message: ToWorker): void {
    threads.get(index)?.worker.postMessage(message);
  }

  function died(thread: Thread, error: Error): void {
    threads.delete(thread.index);
    settings.metrics.threadEnded(1 + thread.index);
    reclaimLimits(podLimits, thread.index);
    for (const { limits, idle, clients, budgets } of current?.snapshot.resources ?? []) {
      reclaimLimits(limits, thread.index);
      reclaimIdleBoard(idle, thread.index);
      if (clients !== null) reclaimClientCounts(clients, settings.workers, thread.index);
      for (const budget of Object.values(budgets)) reclaimCopyBudget(budget, thread.index);
    }
    notify();
    if (closing) return;
    settings.logger.error('serving thread died, its connections are lost', {
      worker: thread.index,
      error,
    });
    if (draining) return; // it has lost what was left to finish, and accepts nothing new
    const nowMs = Date.now();
    deaths.push(nowMs);
    if (deaths.filter((atMs) => nowMs - atMs < deathWindowMs).length >= hopelessDeaths) {
      settings.onHopeless(error);
      return;
    }
    settings.onRestart();
    start(thread.index)
      .then(
        () => {
          const fresh = threads.get(thread.index);
          if (fresh !== undefined && current !== null && !draining) send(fresh, current);
        },
        () => undefined, // died() was told
      )
      .catch(settings.onHopeless); // no descriptor left to listen on
  }

  function send(
    thread: Thread,
    { snapshot, bound }: { snapshot: Snapshot; bound: ReadonlyMap<string, BoundSocket> },
  ): void {
    const next = knowledgeOf(snapshot);
    const duplicate = (key: string) => bound.get(key)?.duplicate() ?? null;
    const change = changeFor(thread.known, snapshot, next, duplicate);
    const message: ToWorker = { type: 'snapshot', change };
    thread.worker.postMessage(message);
    thread.known = next;
  }

  await Promise.all(Array.from({ length: settings.workers }, (_, index) => start(index)));

  return {
    async apply(snapshot, bound) {
      current = { snapshot, bound };
      for (const thread of threads.values()) send(thread, current);
      await until(() => [...threads.values()].every(({ applied }) => applied >= snapshot.version));
    },
    async drain() {
      draining = true;
      const message: ToWorker = { type: 'drain' };
      for (const { worker } of threads.values()) worker.postMessage(message);
      await until(() => [...threads.values()].every(({ drained }) => drained));
    },
    async [Symbol.asyncDispose]() {
      closing = true;
      notify();
      await Promise.all([...threads.values()].map(({ worker }) => worker.terminate()));
    },
  };
}
