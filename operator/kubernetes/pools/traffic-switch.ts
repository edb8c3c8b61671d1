import { formatKey, type ResourceKey } from '../../../contracts/resource-key.ts';
import { isNotFound, type KubernetesApi } from '../api.ts';
import type { KubernetesObject } from '../objects.ts';
import { pathOf, resourceTypes } from '../resource-types.ts';
import { leadOnlyTo, selectsPool } from './endpoints.ts';

/** Whether clients of resources that move to another pool have been sent there. */
export type TrafficSwitch = {
  /** As of the last look. */
  isDone(key: ResourceKey, pool: string): boolean;
  /** Looks. `name` is the Service it has or should have; `null`: it needs none. */
  look(key: ResourceKey, pool: string, name: string | null): Promise<void>;
  forget(key: ResourceKey): void;
};

type SwitchOptions = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** How long the nodes may take to hear of new endpoints. */
  readonly graceMs: number;
  readonly poolOf: (pod: string) => string | null;
};

type Seen = {
  readonly pool: string;
  /** When it was first seen that nobody is sent elsewhere any more. */
  readonly sinceMs: number;
  readonly done: boolean;
};

export function createTrafficSwitch(options: SwitchOptions): TrafficSwitch {
  const { api, namespace, signal, graceMs, poolOf } = options;
  const seen = new Map<string, Seen>();

  /** Asked anew, and not watched: an EndpointSlice per resource changes with each pod. */
  async function leadsOnlyTo(pool: string, name: string): Promise<boolean> {
    const service = await find(name);
    if (service === null || !selectsPool(service, pool)) return false;
    const { items } = await api.list(
      pathOf(resourceTypes.endpointSlices, { namespace }),
      { labelSelector: `kubernetes.io/service-name=${name}` },
      signal,
    );
    return leadOnlyTo(pool, items, poolOf);
  }

  async function find(name: string): Promise<KubernetesObject | null> {
    try {
      return await api.get(pathOf(resourceTypes.services, { namespace, name }), signal);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  return {
    isDone(key, pool) {
      const last = seen.get(formatKey(key));
      return last?.pool === pool && last.done;
    },
    async look(key, pool, name) {
      const id = formatKey(key);
      if (name === null) {
        seen.set(id, { pool, sinceMs: 0, done: true });
      } else if (await leadsOnlyTo(pool, name)) {
        const last = seen.get(id);
        const nowMs = performance.now();
        const sinceMs = last?.pool === pool ? last.sinceMs : nowMs;
        seen.set(id, { pool, sinceMs, done: nowMs - sinceMs >= graceMs });
      } else {
        seen.delete(id);
      }
    },
    forget(key) {
      seen.delete(formatKey(key));
    },
  };
}
