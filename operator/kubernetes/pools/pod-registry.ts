import { clusterLabels } from '../../../contracts/cluster-names.ts';
import { isRecord } from '../../../contracts/json.ts';
import type { Log } from '../../../runtime/log.ts';
import type { KubernetesApi } from '../api.ts';
import type { KubernetesObject } from '../objects.ts';
import { createReflector, type ReflectorTiming } from '../reflector.ts';
import { pathOf, resourceTypes } from '../resource-types.ts';
import { ourLabels } from './manifest.ts';

/** Which pods of pools there are. */
export type PodRegistry = {
  /** `false`: it was there, and is gone. `null`: not known; a pod may be heard before it is listed. */
  exists(pool: string, name: string): boolean | null;
  /** The pool whose pod it is; `null`: no pod of that name is known. */
  poolOf(name: string): string | null;
  /** Whether Kubernetes has called a pod of it ready for a second: who sends clients there has heard of it. */
  isReady(pool: string): boolean;
  readonly ended: Promise<void>;
};

type RegistryOptions = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly timing?: Partial<ReflectorTiming>;
};

type KnownPod = { readonly pool: string; readonly runs: boolean; readonly ready: boolean };

const readyForMs = 1_000;

/** Names of pods are never used again, as good as. */
const rememberedGone = 1_000;

export function createPodRegistry(options: RegistryOptions): PodRegistry {
  const { api, namespace, signal, log, timing = {} } = options;
  const gone = new Set<string>();
  const readySinceMs = new Map<string, number>();

  function remember(name: string): void {
    gone.add(name);
    const [oldest] = gone;
    if (gone.size > rememberedGone && oldest !== undefined) gone.delete(oldest);
  }

  const reflector = createReflector<KnownPod>({
    api,
    path: pathOf(resourceTypes.pods, { namespace }),
    labelSelector: `${clusterLabels.component}=${ourLabels[clusterLabels.component]},${clusterLabels.pool}`,
    keep: (pod) => ({
      pool: pod.metadata.labels?.[clusterLabels.pool] ?? '',
      runs: runs(pod),
      ready: isReady(pod),
    }),
    signal,
    log,
    timing,
    onChange({ type, name, kept }) {
      if (type === 'gone' || !kept.value.runs) remember(name);
      else gone.delete(name);
      if (type === 'gone' || !kept.value.ready) readySinceMs.delete(name);
      else readySinceMs.set(name, readySinceMs.get(name) ?? performance.now());
    },
  });

  return {
    exists(_pool, name) {
      if (gone.has(name)) return false;
      return reflector.get(namespace, name) === null ? null : true;
    },
    poolOf: (name) => reflector.get(namespace, name)?.value.pool ?? null,
    isReady: (pool) =>
      Iterator.from(reflector.entries()).some(({ name, value }) => {
        const sinceMs = readySinceMs.get(name) ?? Number.POSITIVE_INFINITY;
        return value.pool === pool && performance.now() - sinceMs >= readyForMs;
      }),
    ended: reflector.ended,
  };
}

function isReady({ metadata, status }: KubernetesObject): boolean {
  const conditions = isRecord(status) ? status['conditions'] : null;
  if (metadata.deletionTimestamp !== undefined || !Array.isArray(conditions)) return false;
  return conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

/** One that was evicted stays listed for a while. */
function runs({ status }: KubernetesObject): boolean {
  const phase = isRecord(status) ? status['phase'] : undefined;
  return phase !== 'Failed' && phase !== 'Succeeded';
}
