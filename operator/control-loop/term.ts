import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Acknowledgements } from '../../event-log/acknowledgements.ts';
import {
  EntryTooLarge,
  type EventLog,
  type Leader,
  LogFull,
  LogUnavailable,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import type { Seal } from '../../event-log/seal.ts';
import type { Log } from '../../runtime/log.ts';
import type { OperatorMetrics, ReconcileFailure } from '../metrics.ts';
import { byAge } from './by-age.ts';
import { createConcerns, grantsIn } from './concerns.ts';
import type { Writing } from './entries.ts';
import { createFirstRound, unlessUnavailable } from './first-round.ts';
import { followTerm } from './follow-term.ts';
import { type Held, servingPoolOf } from './held.ts';
import { keepHouse, purgeAll } from './housekeeping.ts';
import type { Listener } from './listener.ts';
import { checkOwner } from './owner.ts';
import { runPasses } from './passes.ts';
import { type Placement, placedOf } from './placement.ts';
import { createPods, type PodExists } from './pods.ts';
import { publishPools, recordHistoryLost } from './publication.ts';
import { type Appended, leavePools, type Reconciler } from './reconcile.ts';
import { runTogether, ticks } from './run-together.ts';
import type { Source, SourceChange } from './source.ts';
import { createStates } from './states.ts';
import type { Obstacle } from './status-projection.ts';
import { createStatusReporter } from './status-reporter.ts';
import { statusesInLog, statusesInSource } from './statuses.ts';
import { Untold } from './untold.ts';
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
  readonly placement: Placement;
  readonly podExists: PodExists;
  readonly metrics: OperatorMetrics;
  readonly log: Log;
};

const tickMs = 1000;
const housekeepingMs = 3600 * 1000;
const sizeMs = 30_000;

/** One leadership, from the election to its end. */
export type Term = {
  /** What the source says has changed. */
  take(change: SourceChange): void;
  /** Until `signal` aborts; throws {@link NoLongerLeader}, or `LogLost` if another term can go on. */
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
  const { source, eventLog, writing, listener, log, pools, placement, metrics, seal } = options;
  const { subjects, now } = writing;
  const states = createStates(subjects);
  const pods = createPods(options.podExists);
  const queue = createWorkQueue<ResourceKey>(formatKey, signal, metrics);
  const reporter = createStatusReporter({
    states,
    pods,
    statuses:
      source.statuses === null
        ? statusesInLog(states, leader, writing)
        : statusesInSource(source.statuses, signal),
    now,
    onStatus: listener.onStatus,
    onArrived,
  });
  const concerns = createConcerns();
  const loop: Reconciler = { ...options, states, concerns, leader, versionAt };
  const publication = { states, leader, writing, pools };
  const firstRound = createFirstRound({
    ...{ publication, source, pods, reporter, placement, listener, now },
  });

  const caughtUp = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => caughtUp.resolve(), { once: true });

  async function versionAt(subject: string, sequence: number): Promise<unknown> {
    for await (const entry of eventLog.history([subject], signal)) {
      if (entry.sequence === sequence) return entry.event.data;
    }
    return null;
  }

  /** Resource → its version for which the pools it leaves were looked at; later they are each second. */
  const arrived = new Map<string, number>();

  function onArrived(held: Held): void {
    place(held, true);
    const id = formatKey(held.key);
    const { sequence = 0 } = held.inForce ?? {};
    if (held.leftBehind.length === 0) arrived.delete(id);
    // Each look ends here again: without end, if it were taken up again at once.
    else if (arrived.get(id) !== sequence) {
      arrived.set(id, sequence);
      queue.add(held.key);
    }
  }

  function place(held: Held, programmed: boolean): void {
    const placed = placedOf(held, programmed, subjects.poolOf);
    if (placed !== null) placement.place(placed);
  }

  /** Nothing is decided before the log holds our own election. */
  const follow = () =>
    followTerm(
      {
        ...{ eventLog, subjects, leader, states, log },
        onCaughtUp: caughtUp.resolve,
        onOutage() {
          pods.outageBegan(now());
          reporter.freeze(true);
        },
        onSnapshot() {
          pods.outageEnded(now());
          reporter.freeze(false);
          queue.retryAllNow();
        },
      },
      signal,
    );

  async function begin(): Promise<void> {
    await Promise.all([caughtUp.promise, synced]);
    if (signal.aborted) return;
    if (!options.adopt) checkOwner(states, source.id);
    const isLost = leader.created && knownBefore > 0;
    if (isLost) await recordHistoryLost(publication, knownBefore);
    const keys = unionOfKeys();
    // A leader before us died while it made the log anew: what it began is ours to end, and to say.
    firstRound.begin(keys, isLost || states.isRebuilding(leader.logId));
    addAll(keys);
    for (const { subject, keyId } of states.allSealed()) {
      seal.choose(subjects.poolOf(subject), new Set([keyId])); // until pods say what they hold
    }
    placement.begin();
    for (const held of states.all()) {
      place(held, false);
      reporter.changed(held.key);
    }
    await firstRound.publishWhenDone();
    const afterRound = firstRound.publishWhenDone;
    await runPasses({ loop, queue, metrics, settle, putOff, afterRound }, signal);
  }

  /** What exists in the log or in the source. */
  function unionOfKeys(): readonly ResourceKey[] {
    const inLog = states.all().map(({ key }) => key);
    const keys = new Map([...inLog, ...source.list().keys].map((key) => [formatKey(key), key]));
    return byAge(source, [...keys.values()]);
  }

  function putOff(key: ResourceKey, error: unknown): void {
    if (error instanceof NoLongerLeader) throw error;
    const resource = formatKey(key);
    metrics.reconcileFailed(failureOf(error));
    if (error instanceof LogFull) {
      reporter.changed(key, obstacleFor(key, 'LogFull', error));
      log.error('the log is full', { resource, error });
    } else if (error instanceof LogUnavailable) {
      reporter.changed(key, obstacleFor(key, 'LogUnavailable', error));
      log.warn('a decision could not be recorded', { resource, error });
    } else if (error instanceof Untold) {
      // Pods drop what a log made anew lacks once it is called complete; else they have nothing to lose.
      if (!firstRound.historyLost) firstRound.settled(key);
      log.warn('a resource has to wait', { resource, error });
    } else {
      // A bug, or an entry past every check: it must not keep its neighbours from being published.
      firstRound.settled(key);
      log.error('a resource could not be reconciled', { resource, error });
      if (error instanceof EntryTooLarge) return;
    }
    queue.retry(key);
  }

  function obstacleFor(key: ResourceKey, reason: Obstacle['reason'], error: Error): Obstacle {
    const { uid = null, generation = 0, createdAt = null } = source.read(key) ?? {};
    return { reason, message: error.message, standsBefore: { uid, generation, createdAt } };
  }

  /** What a pass means for others: freed ports, pools to leave, pools to tell. */
  async function settle(key: ResourceKey, appended: Appended): Promise<void> {
    firstRound.settled(key);
    if (appended.length > 0) await announce(key, appended);
    if (states.takeFreedPorts()) addAll(concerns.lackingPorts());
    const held = states.get(key);
    if (appended.length > 0) place(held, false);
    reporter.changed(key);
    if (held.leftBehind.length > 0) await leave(held);
    const isNewPool = !states.isPublished(servingPoolOf(held), leader.logId);
    if (firstRound.isPublished && isNewPool) await publishPools(publication);
  }

  /** The end of a move: the new pool serves it, and clients are sent there. */
  async function leave(held: Held): Promise<void> {
    if (!reporter.hasArrived(held.key) || !placement.hasSwitched(held.key)) return;
    await leavePools(loop, held);
    place(states.get(held.key), true);
  }

  function addAll(keys: readonly ResourceKey[]): void {
    for (const key of keys) queue.add(key);
  }

  async function announce(key: ResourceKey, appended: Appended): Promise<void> {
    const resource = formatKey(key);
    for (const { type, sequence } of appended) log.info('recorded', { resource, type, sequence });
    if (states.get(key).state.status !== 'absent') return;
    placement.displace(key);
    listener.onRemoved(key);
    await purgeAll(states, leader, states.staleStatusesOf(key));
  }

  async function listenToPods(): Promise<void> {
    pods.begin(leader.logId, now());
    for await (const acknowledgement of options.acknowledgements.watch(signal)) {
      const progress = pods.receive(acknowledgement, now());
      if (progress === null) continue;
      chooseKey(progress.pool);
      reporter.podSpoke(progress);
      firstRound.becomeReady();
    }
  }

  /** A new sealing key is used once every live pod of the pool holds it; then everything is sealed anew. */
  function chooseKey(pool: string): void {
    const nowMs = now();
    const held = pods.keysHeldByAll(pool, nowMs);
    if (!firstRound.hasBegun || (held === null && pods.tooEarly(nowMs))) return;
    if (seal.choose(pool, held)) addAll(unionOfKeys());
  }

  async function tick(): Promise<void> {
    let nextHousekeeping = now() + housekeepingMs;
    let nextSize = now();
    for await (const _ of ticks(tickMs, signal)) {
      reporter.tick();
      const counts = pods.counts(now());
      metrics.showPods(counts);
      for (const pool of counts.keys()) chooseKey(pool); // ours may have changed too
      firstRound.becomeReady();
      addAll(states.all().flatMap(({ key, leftBehind }) => (leftBehind.length > 0 ? [key] : [])));
      await firstRound.publishWhenDone();
      if (now() >= nextSize) {
        nextSize = now() + sizeMs;
        void eventLog.size().catch(() => null); // looked at for its metric
      }
      if (now() < nextHousekeeping) continue;
      nextHousekeeping = now() + housekeepingMs;
      await keepHouse(states, leader, subjects, now()).catch(unlessUnavailable);
      addAll(unionOfKeys()); // a pass that was under way may have counted on what was purged
    }
  }

  return {
    take(change) {
      switch (change.type) {
        case 'resource':
          queue.add(change.key);
          break;
        case 'secret':
          addAll(concerns.usersOf('Secret', change));
          break;
        case 'service':
          addAll(concerns.usersOf('Service', change));
          break;
        case 'grants':
          addAll(concerns.usersOf('ReferenceGrant', grantsIn(change.namespace)));
          break;
        case 'synced':
          addAll(concerns.waitingForSource());
          break;
        case 'pools':
          addAll(unionOfKeys());
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

function failureOf(error: unknown): ReconcileFailure {
  if (error instanceof LogFull) return 'log_full';
  if (error instanceof LogUnavailable) return 'log_unavailable';
  return error instanceof EntryTooLarge ? 'entry_too_large' : 'internal';
}
