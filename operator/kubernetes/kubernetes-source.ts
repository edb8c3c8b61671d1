import { clusterNames } from '../../contracts/cluster-names.ts';
import { type Kind, kinds } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Log } from '../../runtime/log.ts';
import type { Observed, Source, SourceChange } from '../control-loop/source.ts';
import { type ChangeQueue, createChangeQueue } from '../directory/change-queue.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { Validator } from '../schema/validator.ts';
import type { ApiError, KubernetesApi } from './api.ts';
import { createBackoff } from './backoff.ts';
import type { Kept } from './cache.ts';
import { createAbsence, defaultGrace, type Grace } from './confirm-absent.ts';
import { ourGroup, typeOfKind } from './our-types.ts';
import { type PoolsConfig, refuseInPool } from './pools-config.ts';
import { keepResource, observe, type Resource, sameWish } from './read-resource.ts';
import { type Change, createReflector, type Reflector, type ReflectorTiming } from './reflector.ts';
import { pathOf, resourceTypes } from './resource-types.ts';
import { createStatusStore } from './status-store.ts';
import { watchGrants } from './watch-grants.ts';
import { watchPools } from './watch-pools.ts';
import { watchSecrets } from './watch-secrets.ts';
import { watchServices } from './watch-services.ts';

export type KubernetesSource = Source & {
  /** Everything there is has been listed for the first time, and it is known which pools there are. */
  readonly synced: Promise<void>;
  /** The highest version that any status speaks of: a log made anew has to be numbered above it. */
  highestKnownSequence(): number;
  /** `null`: nobody knows yet. */
  poolsConfig(): PoolsConfig | null;
};

export type SourceMeters = Pick<
  OperatorMetrics,
  'watchComplete' | 'watchRestarted' | 'statusWritten'
>;

export type KubernetesSourceOptions = {
  readonly api: KubernetesApi;
  /** The operator's own, where the ConfigMap of pools lies. */
  readonly namespace: string;
  readonly validator: Validator;
  /** Asked before each write: whether this operator leads. */
  readonly mayWrite: () => boolean;
  readonly meters: SourceMeters;
  /** What pools there are, or how they run, has changed. */
  readonly onPools?: () => void;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly timing?: Partial<ReflectorTiming>;
  readonly absence?: Grace;
  readonly referredIdleMs?: number;
};

/** Our resources in a cluster. Resolves when the API server has said which cluster it is. */
export async function openKubernetesSource(
  options: KubernetesSourceOptions,
): Promise<KubernetesSource> {
  const { api, namespace, validator, mayWrite, meters, log, timing = {} } = options;
  const closed = new AbortController();
  const signal = AbortSignal.any([options.signal, closed.signal]);
  const id = `kubernetes:${await clusterUid(api, log, signal)}`;
  const synced = Promise.withResolvers<void>();
  synced.promise.catch(() => undefined); // nobody has to wait for it
  signal.addEventListener('abort', () => synced.reject(signal.reason), { once: true });
  /** What the present reader has not read yet; without a reader nobody has to be told. */
  let queue: ChangeQueue | null = null;
  const problems = new Map<string, string>();
  const emitted = new Map<string, Emitted>();
  const lastCreated = createBoundedMap<string>(maxRemembered);
  let isSynced = false;

  const push = (change: SourceChange) => queue?.push(change);

  function showProblem(where: string, message: string | null): void {
    if (problems.get(where) === (message ?? undefined)) return;
    if (message === null) {
      problems.delete(where);
      return push({ type: 'problemSolved', where });
    }
    problems.set(where, message);
    log.warn('a part of the cluster cannot be read', { where, problem: message });
    push({ type: 'problem', where, message });
  }

  const reflectors = new Map(kinds.map((kind) => [kind, reflect(kind)]));

  function reflect(kind: Kind): Reflector<Resource> {
    const reflector = createReflector<Resource>({
      api,
      path: pathOf(typeOfKind(kind)),
      keep: (object) => keepResource(kind, object),
      signal,
      log,
      timing,
      onChange: (change) => take(kind, change),
      onState() {
        const { problem, complete } = reflector;
        if (problem?.status === 404) absence.noteMissing(kind);
        meters.watchComplete(kind, complete);
        showProblem(typeOfKind(kind).plural, problem === null ? null : explain(kind, problem));
        if (complete) tellSynced();
      },
      onRestart: (reason) => meters.watchRestarted(kind, reason),
    });
    return reflector;
  }

  function take(kind: Kind, { type, namespace: of, name, kept }: Change<Resource>): void {
    const key = { kind, namespace: of, name };
    if (type === 'gone') {
      statuses.forget(key);
      emitted.delete(formatKey(key));
      lastCreated.set(formatKey(key), kept.value.createdAt);
      return push({ type: 'resource', key });
    }
    const before = emitted.get(formatKey(key));
    const isSame = before?.uid === kept.uid && sameWish(before.value, kept.value);
    const observed = isSame ? before.observed : null;
    emitted.set(formatKey(key), { uid: kept.uid, value: kept.value, observed });
    // Our own status is no news; one that somebody else wrote is, for it has to be put right.
    if (isSame && statuses.isEcho(key, kept)) return;
    push({ type: 'resource', key });
  }

  function find({ kind, namespace: of, name }: ResourceKey): Kept<Resource> | null {
    return reflectors.get(kind)?.get(of, name) ?? null;
  }

  function read(key: ResourceKey): Observed<Kind> {
    const found = find(key);
    if (found === null) return null;
    const known = emitted.get(formatKey(key));
    if (known?.uid === found.uid && known.observed !== null) return known.observed;
    const observed = observe(validator, found, found.value);
    emitted.set(formatKey(key), { uid: found.uid, value: found.value, observed });
    return observed;
  }

  const isComplete = () => [...reflectors.values()].every(({ complete }) => complete);

  function tellSynced(): void {
    if (!isComplete() || pools.current() === null) return;
    isSynced = true;
    synced.resolve();
    push({ type: 'synced' });
  }

  const common = { api, signal, log, timing };
  const absence = createAbsence({
    ...common,
    timing: options.absence ?? defaultGrace,
    onLookAgain: (keys) => {
      for (const key of keys) push({ type: 'resource', key });
    },
  });
  const statuses = createStatusStore({ api, find, mayWrite, onWrite: meters.statusWritten, log });
  const referred = {
    ...common,
    ...(options.referredIdleMs === undefined ? {} : { idleMs: options.referredIdleMs }),
  };
  const secrets = watchSecrets({
    ...referred,
    onChange: (of, name) => push({ type: 'secret', namespace: of, name }),
    onRestart: (reason) => meters.watchRestarted('Secret', reason),
  });
  const services = watchServices({
    ...referred,
    onChange: (of, name) => push({ type: 'service', namespace: of, name }),
    onRestart: (reason) => meters.watchRestarted('Service', reason),
  });
  const grants = watchGrants({
    ...common,
    onChange: (of) => push({ type: 'grants', namespace: of }),
    onRestart: (reason) => meters.watchRestarted('ReferenceGrant', reason),
  });
  const pools = watchPools({
    ...common,
    namespace,
    onRestart: (reason) => meters.watchRestarted('ConfigMap', reason),
    onProblem: (message) =>
      showProblem(`ConfigMap ${namespace}/${clusterNames.poolsConfigMap}`, message),
    onChange() {
      push({ type: 'pools' });
      options.onPools?.();
      if (!isSynced) tellSynced();
    },
  });

  return {
    id,
    synced: synced.promise,
    changes(until) {
      const own = createChangeQueue();
      queue = own;
      // Who stands by for weeks must not gather what nobody reads.
      const stop = () => {
        if (queue === own) queue = null;
      };
      until.addEventListener('abort', stop, { once: true });
      for (const [where, message] of problems) own.push({ type: 'problem', where, message });
      if (isSynced && isComplete()) own.push({ type: 'synced' });
      return own.read(AbortSignal.any([signal, until]));
    },
    list: () => ({
      complete: isComplete(),
      // Whoever only asks whether it is complete, for each of thousands, does not pay for all of them.
      get keys() {
        return keysOf(reflectors);
      },
    }),
    // What was read under a kind is of that kind.
    read: <K extends Kind>(key: ResourceKey & { readonly kind: K }) => read(key) as Observed<K>,
    readSecret: secrets.read,
    readService: services.read,
    refuseReference: grants.refuse,
    async confirmAbsent(key) {
      if (find(key) !== null) return false;
      return await absence.confirm(key, lastCreated.get(formatKey(key)) ?? null);
    },
    refuseInPool(pool, of) {
      const config = pools.current();
      return config === null ? null : refuseInPool(config, pool, of);
    },
    statuses,
    highestKnownSequence: () => highestVersionIn(reflectors),
    poolsConfig: pools.current,
    async [Symbol.asyncDispose]() {
      closed.abort();
      const watches = [...reflectors.values(), secrets, services, grants, pools, absence];
      await Promise.all(watches.map(({ ended }) => ended));
    },
  };
}

/** Of resources that are gone: when they had been made. Of what is forgotten a removal takes longer. */
const maxRemembered = 20_000;

function createBoundedMap<T>(max: number) {
  const map = new Map<string, T>();
  return {
    get: (key: string) => map.get(key),
    set(key: string, value: T) {
      map.delete(key);
      map.set(key, value);
      const [oldest] = map.keys();
      if (map.size > max && oldest !== undefined) map.delete(oldest);
    },
  };
}

/** What was told last of a resource. */
type Emitted = {
  readonly uid: string;
  readonly value: Resource;
  /** Worked out once per generation; `null`: not yet. */
  readonly observed: Observed<Kind>;
};

type Reflectors = ReadonlyMap<Kind, Reflector<Resource>>;

function keysOf(reflectors: Reflectors): readonly ResourceKey[] {
  return [...reflectors].flatMap(([kind, reflector]) =>
    Array.from(reflector.entries(), ({ namespace, name }) => ({ kind, namespace, name })),
  );
}

function highestVersionIn(reflectors: Reflectors): number {
  let highest = 0;
  for (const reflector of reflectors.values()) {
    for (const { value } of reflector.entries()) {
      const { configVersion = null, lastEvent = null } = value.status ?? {};
      highest = Math.max(highest, configVersion ?? 0, lastEvent?.seq ?? 0);
    }
  }
  return highest;
}

function explain(kind: Kind, problem: ApiError): string {
  const { plural } = typeOfKind(kind);
  if (problem.status === 404) {
    return `the CustomResourceDefinition ${plural}.${ourGroup} is not installed; what is served goes on being served`;
  }
  if (problem.status === 403) {
    return `Headgate may not list and watch ${plural}.${ourGroup}; what is served goes on being served`;
  }
  return problem.message;
}

/** Whose resources these are, for as long as the cluster lives. */
async function clusterUid(api: KubernetesApi, log: Log, signal: AbortSignal): Promise<string> {
  const backoff = createBackoff(200, 5_000);
  for (;;) {
    signal.throwIfAborted();
    try {
      const { metadata } = await api.get(
        pathOf(resourceTypes.namespaces, { name: 'kube-system' }),
        signal,
      );
      if (metadata.uid !== undefined) return metadata.uid;
    } catch (error) {
      log.warn('the API server does not say which cluster it is', { error });
    }
    await backoff.pause(signal);
  }
}
