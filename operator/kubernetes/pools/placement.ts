import { clusterLabels } from '../../../contracts/cluster-names.ts';
import { formatKey, type ResourceKey } from '../../../contracts/resource-key.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Placement } from '../../control-loop/placement.ts';
import { createWorkQueue, type WorkQueue } from '../../control-loop/work-queue.ts';
import type { KubernetesApi } from '../api.ts';
import type { ReflectorTiming } from '../reflector.ts';
import type { ManagedKind } from './manifest.ts';
import { createObjectMirror, type MirroredObject } from './object-mirror.ts';
import { createObjectWriter, type ObjectOutcome } from './object-writer.ts';
import { createPlacementTable } from './placement-table.ts';
import type { PodRegistry } from './pod-registry.ts';
import { createPoolKeeper, isOfPool, type PoolKeeperOptions } from './pool-keeper.ts';
import { createProblemReports, type ProblemListener } from './problem-reports.ts';
import { createServiceKeeper } from './service-keeper.ts';
import { createTrafficSwitch } from './traffic-switch.ts';

export type KubernetesPlacement = Placement &
  AsyncDisposable & {
    /** Settings or Secrets of pools may have changed. */
    refresh(): void;
  };

export type PlacementOptions = Pick<
  PoolKeeperOptions,
  'namespace' | 'pods' | 'settingsOf' | 'secretOf'
> & {
  readonly api: KubernetesApi;
  readonly podRegistry: Pick<PodRegistry, 'poolOf' | 'isReady'>;
  readonly log: Log;
  /** While it is not certain that we lead, nothing is written. */
  readonly mayWrite: () => boolean;
  readonly problems: ProblemListener;
  readonly onWrite?: (kind: ManagedKind, outcome: ObjectOutcome) => void;
  readonly timing?: Partial<PlacementTiming>;
  readonly reflectorTiming?: Partial<ReflectorTiming>;
};

export type PlacementTiming = {
  /** How long a pool that nobody uses is kept. */
  readonly keepUnusedMs: number;
  /** How long the nodes may take to send clients to new endpoints. */
  readonly switchGraceMs: number;
};

const defaultTiming: PlacementTiming = { keepUnusedMs: 300_000, switchGraceMs: 5_000 };

/** What has to be looked at. */
type Item =
  | { readonly type: 'pool'; readonly pool: string }
  | { readonly type: 'resource'; readonly key: ResourceKey }
  | { readonly type: 'service'; readonly name: string }
  | { readonly type: 'switch'; readonly key: ResourceKey };

const urgentAtOnce = 32;
/** A Service costs the API server more than a status: more at once make each other time out. */
const unhurriedAtOnce = 8;
const unmeasured = { queueDepth: () => undefined, waitedInQueue: () => undefined };

/** Keeps Deployments, Services and what belongs to them as the log wants them, until disposed of. */
export function createKubernetesPlacement(options: PlacementOptions): KubernetesPlacement {
  const { api, namespace, log, mayWrite, podRegistry, onWrite = () => undefined } = options;
  const { keepUnusedMs, switchGraceMs } = { ...defaultTiming, ...options.timing };
  const controller = new AbortController();
  const { signal } = controller;
  const createQueue = (atOnce: number) =>
    createWorkQueue<Item>(identify, signal, unmeasured, atOnce);
  /** Thousands of Services must not keep a new pool waiting, or who moves. */
  const urgent = createQueue(urgentAtOnce);
  const unhurried = createQueue(unhurriedAtOnce);
  const reports = createProblemReports(options.problems);
  const table = createPlacementTable();
  let complete = false;
  const isComplete = () => complete;

  const mirror = createObjectMirror({
    ...{ api, namespace, signal, log, timing: options.reflectorTiming ?? {} },
    onChange: lookAtObject,
    onState() {
      urgent.retryAllNow();
      unhurried.retryAllNow();
    },
  });
  const writer = createObjectWriter({ api, mirror, namespace, signal, log, mayWrite, onWrite });
  const services = createServiceKeeper({
    ...{ mirror, writer, table, namespace, isComplete },
    isPoolReady: podRegistry.isReady,
  });
  const poolKeeper = createPoolKeeper({
    ...{ mirror, writer, table, namespace, signal, keepUnusedMs, isComplete },
    ...{ pods: options.pods, settingsOf: options.settingsOf, secretOf: options.secretOf },
    lookAgain: lookAtPool,
  });
  const traffic = createTrafficSwitch({
    ...{ api, namespace, signal },
    graceMs: switchGraceMs,
    poolOf: podRegistry.poolOf,
  });

  function queueFor({ type }: Item): WorkQueue<Item> {
    return type === 'pool' || type === 'switch' ? urgent : unhurried;
  }

  function lookAt(item: Item): void {
    queueFor(item).add(item);
  }

  function lookAtPool(pool: string): void {
    lookAt({ type: 'pool', pool });
  }

  function lookAtResource(key: ResourceKey): void {
    lookAt({ type: 'resource', key });
  }

  /** By its name if it is one we know, for its labels may be what has been changed. */
  function lookAtObject(kind: ManagedKind, { name, value }: MirroredObject): void {
    const labelled = value.metadata.labels?.[clusterLabels.pool];
    const pool = table.pools().find((used) => isOfPool(name, used)) ?? labelled;
    if (pool !== undefined) return lookAtPool(pool);
    if (kind !== 'Service') return;
    const owner = services.ownerOf(name);
    if (owner !== null) lookAtResource(owner);
    lookAt({ type: 'service', name });
  }

  function look(item: Item): Promise<void> {
    switch (item.type) {
      case 'pool':
        return poolKeeper.keep(item.pool);
      case 'resource':
        return services.keep(item.key);
      case 'service':
        return services.sweep(item.name);
      case 'switch':
        return lookAtSwitch(item.key);
    }
  }

  async function lookAtSwitch(key: ResourceKey): Promise<void> {
    const entry = table.get(key);
    if (entry !== null) await traffic.look(key, entry.placed.pool, services.nameOf(key));
  }

  async function lookOrRetry(item: Item): Promise<void> {
    try {
      await look(item);
      queueFor(item).succeeded(item);
      reports.succeeded(identify(item));
    } catch (error) {
      if (signal.aborted) return;
      queueFor(item).retry(item);
      reports.failed(identify(item), error);
      log.debug('not as it should be yet', { item: identify(item), error });
    }
  }

  async function run(queue: WorkQueue<Item>): Promise<void> {
    for await (const items of queue) await Promise.all(items.map(lookOrRetry));
  }
  const ended = Promise.all([run(urgent), run(unhurried)]);

  function displace(key: ResourceKey): void {
    for (const pool of table.displace(key)) lookAtPool(pool);
    traffic.forget(key);
    services.displace(key);
    lookAtResource(key);
  }

  return {
    displace,
    place(placed) {
      // Where its clients were once says nothing of where they are when it returns there.
      if (table.get(placed.key)?.placed.pool !== placed.pool) traffic.forget(placed.key);
      for (const pool of table.place(placed)) lookAtPool(pool);
      lookAtResource(placed.key);
    },
    begin() {
      complete = false;
      table.begin();
    },
    complete() {
      complete = true;
      for (const key of table.forgetUntold()) displace(key);
      for (const pool of new Set([...table.pools(), ...poolKeeper.pools()])) lookAtPool(pool);
      for (const name of services.names()) lookAt({ type: 'service', name });
    },
    refresh() {
      for (const pool of table.pools()) lookAtPool(pool);
    },
    hasSwitched(key) {
      const entry = table.get(key);
      if (entry === null || traffic.isDone(key, entry.placed.pool)) return true;
      lookAt({ type: 'switch', key });
      return false;
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await Promise.all([ended, mirror.ended]);
    },
  };
}

function identify(item: Item): string {
  switch (item.type) {
    case 'pool':
      return `pool/${item.pool}`;
    case 'service':
      return `service/${item.name}`;
    default:
      return `${item.type}/${formatKey(item.key)}`;
  }
}
