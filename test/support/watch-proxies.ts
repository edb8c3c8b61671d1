import { isRecord } from '../../contracts/json.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import type { KubernetesObject } from '../../operator/kubernetes/objects.ts';
import { typeOfKind } from '../../operator/kubernetes/our-types.ts';
import { createReflector } from '../../operator/kubernetes/reflector.ts';
import { pathOf } from '../../operator/kubernetes/resource-types.ts';
import { silentLog } from '../../runtime/log.ts';
import type { Scope } from './teardowns.ts';

/** The ForwardProxies of a namespace as the API server has them, through every failure of it. */
export type WatchedProxies = {
  /** Resolves with the object once that holds of it. */
  until(name: string, isTrue: (object: KubernetesObject) => boolean): Promise<KubernetesObject>;
};

export function watchProxies(
  t: Pick<Scope, 'teardown'>,
  api: KubernetesApi,
  namespace: string,
): WatchedProxies {
  const ended = new AbortController();
  let changed = Promise.withResolvers<void>();
  const reflector = createReflector<KubernetesObject>({
    ...{ api, signal: ended.signal, log: silentLog, keep: (object) => object },
    path: pathOf(typeOfKind('ForwardProxy'), { namespace }),
    timing: { firstPauseMs: 50, longestPauseMs: 500 },
    onChange() {
      changed.resolve();
      changed = Promise.withResolvers();
    },
  });
  t.teardown(async () => {
    ended.abort();
    await reflector.ended;
  });
  return {
    async until(name, isTrue) {
      for (;;) {
        const found = reflector.get(namespace, name);
        if (found !== null && isTrue(found.value)) return found.value;
        await changed.promise;
      }
    },
  };
}

/** Whether the operator has said something of this generation, or a later one. */
export function isDecided({ status }: KubernetesObject, generation: number): boolean {
  return isRecord(status) && Number(status['observedGeneration'] ?? 0) >= generation;
}

/** Whether a condition is as given, and speaks of this generation. */
export function hasCondition(
  { status }: KubernetesObject,
  type: string,
  value: string,
  generation: number,
): boolean {
  const conditions = isRecord(status) ? status['conditions'] : null;
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (one) => one.type === type && one.status === value && one.observedGeneration === generation,
    )
  );
}
