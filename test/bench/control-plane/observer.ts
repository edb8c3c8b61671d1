import { isRecord, type JsonRecord } from '../../../contracts/json.ts';
import type { Propagation } from '../../../contracts/status.ts';
import type { KubernetesApi } from '../../../operator/kubernetes/api.ts';
import type { KubernetesObject } from '../../../operator/kubernetes/objects.ts';
import { createReflector } from '../../../operator/kubernetes/reflector.ts';
import { readStatus } from '../../../operator/kubernetes/status-object.ts';
import { createLog } from '../../../runtime/log.ts';
import type { Scope } from '../../support/teardowns.ts';
import { collection } from './proxies.ts';

/** What one watch of all resources has shown of one. */
export type Seen = {
  /** The newest generation that is Programmed; 0: none. */
  readonly programmed: number;
  readonly propagation: Propagation | null;
  /** When it was seen, by `performance.now`. */
  readonly atMs: number;
};

export type Observer = {
  /** Resolves when this generation is Programmed, or rejects after `withinMs`. */
  programmed(name: string, generation: number, withinMs?: number): Promise<Seen>;
  /** Resolves when so many are Programmed at their newest generation; rejects after `withinMs`. */
  allProgrammed(count: number, withinMs: number): Promise<void>;
  readonly programmedNow: number;
};

type Waiter = { readonly isOver: () => boolean; readonly resolve: () => void };

/** What a client sees who watches, as `kubectl wait` does: all resources with one watch. */
export async function observe(scope: Scope, api: KubernetesApi): Promise<Observer> {
  const seen = new Map<string, Seen>();
  const waiters = new Set<Waiter>();
  const stop = new AbortController();
  let programmedNow = 0;

  function take(name: string, next: Seen | null): void {
    programmedNow -= (seen.get(name)?.programmed ?? 0) > 0 ? 1 : 0;
    if (next === null) seen.delete(name);
    else seen.set(name, next);
    programmedNow += (next?.programmed ?? 0) > 0 ? 1 : 0;
    for (const waiter of waiters) if (waiter.isOver()) waiter.resolve();
  }

  const reflector = createReflector({
    ...{ api, path: collection, log: createLog({ level: 'error' }), signal: stop.signal },
    keep: look,
    onChange({ type, name, kept }) {
      take(name, type === 'gone' ? null : kept.value);
    },
  });
  scope.teardown(async () => {
    stop.abort();
    await reflector.ended;
  });
  await reflector.listed;

  async function until(isOver: () => boolean, what: () => string, withinMs: number) {
    if (isOver()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { isOver, resolve };
    waiters.add(waiter);
    const timer = setTimeout(() => reject(new Error(what())), withinMs);
    await promise.finally(() => {
      clearTimeout(timer);
      waiters.delete(waiter);
    });
  }

  return {
    get programmedNow() {
      return programmedNow;
    },
    async programmed(name, generation, withinMs = 60_000) {
      const isOver = () => (seen.get(name)?.programmed ?? 0) >= generation;
      await until(isOver, () => `${name} was not programmed in time`, withinMs);
      return seen.get(name) ?? { programmed: 0, propagation: null, atMs: 0 };
    },
    allProgrammed: (count, withinMs) =>
      until(
        () => programmedNow >= count,
        () => `only ${programmedNow} of ${count} were programmed in time`,
        withinMs,
      ),
  };
}

function look(object: KubernetesObject): Seen {
  const { propagation, conditions } = statusOf(object);
  const programmed = conditions.find(({ type }) => type === 'Programmed');
  const generation = programmed?.status === 'True' ? programmed.observedGeneration : 0;
  return { programmed: generation, propagation, atMs: performance.now() };
}

function statusOf(object: KubernetesObject & JsonRecord) {
  const { status } = object;
  return (isRecord(status) ? readStatus(status) : null) ?? { propagation: null, conditions: [] };
}
