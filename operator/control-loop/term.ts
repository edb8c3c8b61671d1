import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Acknowledgements } from '../../event-log/acknowledgements.ts';
import {
  EntryTooLarge,
  type EventLog,
  type FollowUpdate,
  type Leader,
  LogFull,
  LogLost,
  LogUnavailable,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import type { Seal } from '../../event-log/seal.ts';
import type { Log } from '../../runtime/log.ts';
import { createConcerns } from './concerns.ts';
import type { Writing } from './entries.ts';
import { servingPoolOf } from './held.ts';
import { keepHouse } from './housekeeping.ts';
import type { Listener } from './listener.ts';
import { checkOwner } from './owner.ts';
import { createPods } from './pods.ts';
import { publishPools, recordHistoryLost } from './publication.ts';
import { type Appended, leavePools, type Reconciler, reconcile } from './reconcile.ts';
import { runTogether, ticks } from './run-together.ts';
import type { Source, SourceChange } from './source.ts';
import { createStates } from './states.ts';
import { createStatusReporter } from './status-reporter.ts';
import { createWorkQueue } from './work-queue.ts';

export type TermOptions = {
  readonly source: Source;
  readonly eventLog: EventLog;
  readonly acknowledgements: Acknowledgements;
  readonly seal: Seal;
  readonly writing: Writing;
  readonly pools: readonly string[];
  readonly adopt: boolean;
  readonly listener: Listener;
  readonly log: Log;
};

const tickMs = 1000;
const housekeepingMs = 3600 * 1000;

/** One leadership, from the election to its end. */
export type Term = {
  /** What the source says has changed. */
  take(change: SourceChange): void;
  /** Until `signal` aborts; throws {@link NoLongerLeader}, or {@link LogLost} if another term can go on. */
  run(): Promise<void>;
  /** The highest sequence known to have existed. */
  knownSequence(): number;
};

export function createTerm(
  options: TermOptions,
  leader: Leader,
  /** The highest sequence known from before; with it a log that had to be made has lost its history. */
  knownBefore: number,
  /** The source's first complete listing is in. */
  synced: Promise<void>,
  controller: AbortController,
): Term {
  const { signal } = controller;
  const { source, eventLog, writing, listener, log, pools } = options;
  const { subjects, now } = writing;
  const states = createStates(subjects);
  const pods = createPods();
  const queue = createWorkQueue<ResourceKey>(formatKey, signal);
  const reporter = createStatusReporter({
    states,
    pods,
    writing,
    leader,
    onStatus: listener.onStatus,
    onArrived: (held) => held.leftBehind.length > 0 && queue.add(held.key),
  });
  const concerns = createConcerns();
  const loop: Reconciler = { ...options, states, concerns, leader, versionAt };
  const publication = { states, leader, writing, pools };
  const historyLost = leader.created && knownBefore > 0;

  const caughtUp = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => caughtUp.resolve(), { once: true });
  /** Keys of the first round that were not looked at yet; `null` before the round begins. */
  let firstRound: Set<string> | null = null;
  let published: 'no' | 'now' | 'yes' = 'no';
  let publishedAt = 0;
  let ready = false;
  async function versionAt(subject: string, sequence: number): Promise<unknown> {
    for await (const entry of eventLog.history([subject], signal)) {
      if (entry.sequence === sequence) return entry.event.data;
    }
    return null;
  }

  /** Folds the log. Nothing is decided before it holds our own election. */
  async function follow(): Promise<void> {
    const { allConfig, allJournal, allStatus, leader: elections } = subjects;
    const followed = [allConfig, allJournal, allStatus, elections];
    for await (const update of eventLog.follow(followed, signal)) {
      if (update.type === 'disconnected') await waitForLog(update.problem);
      else takeUpdate(update);
    }
  }

  function takeUpdate(update: Exclude<FollowUpdate, { type: 'disconnected' }>): void {
    if (update.type === 'snapshot') {
      if (update.logId !== leader.logId) throw new LogLost(`this is another log: ${update.logId}`);
      states.reset(update.entries, update.sequence);
      for (const entry of update.entries) checkElection(entry);
      pods.outageEnded(now());
      reporter.freeze(false);
      queue.retryAllNow();
    } else if (update.type === 'entry') {
      states.apply(update.entry);
      checkElection(update.entry);
    } else {
      states.skipped(update);
      log.warn('an entry of the log could not be read', update);
    }
  }

  function checkElection({ subject, sequence }: { subject: string; sequence: number }): void {
    if (subject !== subjects.leader) return;
    if (sequence > leader.epoch) {
      throw new NoLongerLeader(`leader ${leader.epoch} was replaced by leader ${sequence}`);
    }
    if (sequence === leader.epoch) caughtUp.resolve();
  }

  /** Only a lost log is worth another election; one that is merely away comes back. */
  async function waitForLog(problem: string): Promise<void> {
    log.warn('the log is out of reach', { problem });
    states.disconnected();
    reporter.freeze(true);
    await leader.purge(subjects.logJournal, 0).catch(unlessUnavailable); // purges nothing: it asks who leads
  }

  async function begin(): Promise<void> {
    await Promise.all([caughtUp.promise, synced]);
    if (signal.aborted) return;
    if (!options.adopt) checkOwner(states, source.id);
    if (historyLost) await recordHistoryLost(publication, knownBefore);
    const keys = unionOfKeys();
    firstRound = new Set(keys.map(formatKey));
    addAll(keys);
    for (const { key } of states.all()) reporter.changed(key);
    await publishWhenDone();
    await work();
  }

  /** What exists in the log or in the source, in an order that does not depend on files. */
  function unionOfKeys(): readonly ResourceKey[] {
    const inLog = states.all().map(({ key }) => key);
    const keys = new Map([...inLog, ...source.list().keys].map((key) => [formatKey(key), key]));
    return [...keys].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, key]) => key);
  }

  /** Looks at one key after the other; what cannot be done now is tried again later. */
  async function work(): Promise<void> {
    for await (const key of queue) {
      try {
        const appended = await reconcile(loop, key);
        queue.succeeded(key);
        await settle(key, appended);
      } catch (error) {
        if (signal.aborted) return;
        putOff(key, error);
      }
      await publishWhenDone();
    }
  }

  function putOff(key: ResourceKey, error: unknown): void {
    if (error instanceof NoLongerLeader) throw error;
    const resource = formatKey(key);
    if (error instanceof LogFull) {
      reporter.changed(key, { reason: 'LogFull', message: error.message });
      log.error('the log is full', { resource, error });
    } else if (error instanceof LogUnavailable) {
      reporter.changed(key, { reason: 'LogUnavailable', message: error.message });
      log.warn('a decision could not be recorded', { resource, error });
    } else {
      // A bug, or an entry past every check: it must not keep its neighbours from being published.
      firstRound?.delete(resource);
      log.error('a resource could not be reconciled', { resource, error });
      if (error instanceof EntryTooLarge) return;
    }
    queue.retry(key);
  }

  /** What a pass means for others: freed ports, pools to leave, pools to tell. */
  async function settle(key: ResourceKey, appended: Appended): Promise<void> {
    firstRound?.delete(formatKey(key));
    if (appended.length > 0) {
      announce(key, appended);
      addAll(concerns.lackingPorts().filter((other) => formatKey(other) !== formatKey(key)));
    }
    reporter.changed(key);
    const held = states.get(key);
    if (held.leftBehind.length > 0 && reporter.hasArrived(key)) await leavePools(loop, held);
    const isNewPool = !states.isPublished(servingPoolOf(held), leader.logId);
    if (published === 'yes' && isNewPool) await publishPools(publication);
  }

  function addAll(keys: readonly ResourceKey[]): void {
    for (const key of keys) queue.add(key);
  }

  function announce(key: ResourceKey, appended: Appended): void {
    const resource = formatKey(key);
    for (const { type, sequence } of appended) log.info('recorded', { resource, type, sequence });
    if (states.get(key).state.status === 'absent') listener.onRemoved(key);
  }

  /** A new log with a hole in the source would make pods drop what is only hidden. */
  async function publishWhenDone(): Promise<void> {
    if (published !== 'no' || firstRound === null || firstRound.size > 0) return;
    if (historyLost && !source.list().complete) return;
    published = 'now';
    try {
      publishedAt = (await publishPools(publication)) ?? 0;
    } catch (error) {
      published = 'no'; // the next tick tries again
      return unlessUnavailable(error);
    }
    published = 'yes';
    await keepHouse(states, leader, subjects, now()).catch(unlessUnavailable);
    const { created } = leader;
    listener.onPublished({ created, historyLost, resources: states.all().length });
    becomeReady();
  }

  function becomeReady(): void {
    if (ready || published !== 'yes' || !reporter.isSettled(pools)) return;
    const hasArrived = (pool: string) =>
      pods.inPool(pool, now()).some(({ applied }) => applied >= publishedAt);
    if (!pools.every(hasArrived)) return;
    ready = true;
    listener.onReady();
  }

  async function listenToPods(): Promise<void> {
    pods.begin(leader.logId, now());
    for await (const acknowledgement of options.acknowledgements.watch(signal)) {
      if (!pods.receive(acknowledgement, now())) continue;
      reporter.podSpoke(acknowledgement.pool);
      becomeReady();
    }
  }

  async function tick(): Promise<void> {
    let nextHousekeeping = now() + housekeepingMs;
    for await (const _ of ticks(tickMs, signal)) {
      reporter.tick();
      becomeReady();
      await publishWhenDone();
      if (now() < nextHousekeeping) continue;
      nextHousekeeping = now() + housekeepingMs;
      await keepHouse(states, leader, subjects, now()).catch(unlessUnavailable);
    }
  }

  return {
    take(change) {
      switch (change.type) {
        case 'resource':
          queue.add(change.key);
          break;
        case 'secret':
          addAll(concerns.usersOf(change.namespace, change.name));
          break;
        case 'synced':
          addAll(concerns.waitingForSource());
          break;
        default:
          break;
      }
    },
    run: () =>
      runTogether([follow, begin, listenToPods, tick, () => reporter.run(signal)], controller),
    knownSequence: () => Math.max(leader.epoch, states.highestSequence(), pods.highestApplied()),
  };
}

function unlessUnavailable(error: unknown): void {
  if (!(error instanceof LogUnavailable || error instanceof LogFull)) throw error;
}
