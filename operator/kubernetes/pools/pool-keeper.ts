import { clusterLabels } from '../../../contracts/cluster-names.ts';
import type { PoolSettings } from '../pools-config.ts';
import { managedKinds } from './manifest.ts';
import { metricsServiceName, poolObjectName } from './names.ts';
import type { ObjectMirror } from './object-mirror.ts';
import { NotNow, type ObjectWriter } from './object-writer.ts';
import type { PlacementTable } from './placement-table.ts';
import type { CommonPodSettings } from './pod-template.ts';
import { poolObjects, poolSecret } from './pool-objects.ts';

export type PoolKeeperOptions = {
  readonly mirror: ObjectMirror;
  readonly writer: ObjectWriter;
  readonly table: PlacementTable;
  readonly namespace: string;
  readonly pods: CommonPodSettings;
  /** `null`: there is no such pool; what stands around pods that still serve is left as it is. */
  readonly settingsOf: (pool: string) => PoolSettings | null;
  /** What pods of the pool find in their credentials directory, by file name. */
  readonly secretOf: (pool: string) => Promise<Readonly<Record<string, string>>>;
  /** How long a pool that nobody uses is kept. */
  readonly keepUnusedMs: number;
  /** Until then it may only seem that nobody uses a pool. */
  readonly isComplete: () => boolean;
  readonly lookAgain: (pool: string) => void;
  readonly signal: AbortSignal;
};

/** Keeps the objects around the pods of each pool as they should be. */
export type PoolKeeper = {
  keep(pool: string): Promise<void>;
  /** Pools of which there are objects. */
  pools(): ReadonlySet<string>;
};

export function createPoolKeeper(options: PoolKeeperOptions): PoolKeeper {
  const { mirror, writer, table, namespace, keepUnusedMs, isComplete, lookAgain, signal } = options;
  const unused = new Map<string, { readonly sinceMs: number; readonly timer: NodeJS.Timeout }>();
  const forgetAll = () => {
    for (const pool of unused.keys()) forgetUnused(pool);
  };
  signal.addEventListener('abort', forgetAll, { once: true });

  async function keep(pool: string): Promise<void> {
    const drainMs = table.longestDrainMs(pool);
    if (drainMs === null) return leave(pool);
    forgetUnused(pool);
    const settings = options.settingsOf(pool);
    if (settings === null) return;
    if (!mirror.isKnown('Deployment')) throw new NotNow('Deployments cannot be listed yet');

    const live = mirror.get('Deployment', poolObjectName(pool))?.value ?? null;
    const wish = { ...options.pods, ...settings, namespace, pool, drainMs, live };
    await eachOrFirstFailure([
      async () => writer.ensure(poolSecret(namespace, pool, await options.secretOf(pool))),
      ...poolObjects(wish).map((manifest) => () => writer.ensure(manifest)),
    ]);
  }

  async function leave(pool: string): Promise<void> {
    if (!isComplete()) return;
    const nowMs = performance.now();
    const sinceMs = unused.get(pool)?.sinceMs ?? nowMs;
    const leftMs = sinceMs + keepUnusedMs - nowMs;
    if (leftMs <= 0) return remove(pool);
    clearTimeout(unused.get(pool)?.timer);
    unused.set(pool, { sinceMs, timer: setTimeout(() => lookAgain(pool), leftMs) });
  }

  /** The pods first: they drain on what they have read of the rest. */
  async function remove(pool: string): Promise<void> {
    for (const kind of managedKinds) {
      if (!mirror.isKnown(kind)) throw new NotNow(`${kind}s cannot be listed yet`);
      for (const object of mirror.all(kind)) {
        const isOfPool = object.value.metadata.labels?.[clusterLabels.pool] === pool;
        if (isOfPool) await writer.remove(kind, object);
      }
    }
    forgetUnused(pool);
  }

  function forgetUnused(pool: string): void {
    clearTimeout(unused.get(pool)?.timer);
    unused.delete(pool);
  }

  return {
    keep,
    pools() {
      const labels = managedKinds
        .flatMap((kind) => mirror.all(kind))
        .map(({ value }) => value.metadata.labels?.[clusterLabels.pool]);
      return new Set(labels.filter((pool) => pool !== undefined));
    },
  };
}

/** What an object of this name is for. */
export function isOfPool(name: string, pool: string): boolean {
  return name === poolObjectName(pool) || name === metricsServiceName(pool);
}

/** One object that cannot be written must not keep the others from being mended. */
async function eachOrFirstFailure(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const task of tasks) await task().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
