import { randomUUID } from 'node:crypto';
import type { Placed } from '../../operator/control-loop/placement.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import {
  createKubernetesPlacement,
  type KubernetesPlacement,
  type PlacementOptions,
} from '../../operator/kubernetes/pools/placement.ts';
import {
  createPodRegistry,
  type PodRegistry,
} from '../../operator/kubernetes/pools/pod-registry.ts';
import { defaultPool, type PoolSettings } from '../../operator/kubernetes/pools-config.ts';
import { silentLog } from '../../runtime/log.ts';
import type { KubeApi } from './kube-api.ts';
import { openApi } from './open-api.ts';
import type { Scope } from './teardowns.ts';

/** An operator's namespace in a real API server, and what keeps the objects around pods in it. */
export type PlacementWorld = {
  readonly namespace: string;
  readonly placement: KubernetesPlacement;
  readonly podRegistry: PodRegistry;
  /** What was written: `Service corrected`. */
  readonly writes: readonly string[];
  /** Requests that may change something. */
  readonly requests: readonly string[];
  readonly problems: readonly string[];
  /** One JSON object of the namespace: `object('deployment', 'headgate-pool-a')`. */
  object(type: string, name: string): Promise<KubernetesJson>;
  /** `type/name` of everything of these types in the namespace. */
  names(...types: readonly string[]): Promise<readonly string[]>;
  /** `kubectl` in the namespace; rejects with its words when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** Until `type/name` is there. */
  made(what: string): Promise<unknown>;
  /** Until everything around the pods of a pool is there. */
  poolMade(pool: string): Promise<unknown>;
  /** Until `type/name` is gone. */
  gone(what: string): Promise<unknown>;
  /** Until a field has a value: `becomes('service/a', '{.spec.selector.x}=b')`. */
  becomes(what: string, field: string): Promise<unknown>;
};

// biome-ignore lint/suspicious/noExplicitAny: tests look into it as it comes
export type KubernetesJson = any;

export type WorldOptions = {
  /** Of an earlier world: another operator on the same objects. */
  readonly namespace?: string;
  readonly settings?: Readonly<Record<string, Partial<PoolSettings>>>;
  readonly kubeconfig?: string;
} & Partial<Pick<PlacementOptions, 'secretOf' | 'mayWrite' | 'timing'>>;

const aroundPods = ['deployment', 'serviceaccount', 'poddisruptionbudget', 'secret'];
const waits = ['--timeout=60s'];

export async function startPlacementWorld(
  t: Scope,
  kube: KubeApi,
  options: WorldOptions = {},
): Promise<PlacementWorld> {
  const namespace = options.namespace ?? `headgate-${randomUUID()}`;
  if (options.namespace === undefined) await kube.kubectl('create', 'namespace', namespace);
  const kubectl = (...args: readonly string[]) => kube.kubectl('--namespace', namespace, ...args);
  const made = (what: string) => kubectl('wait', '--for=create', what, ...waits);
  const requests: string[] = [];
  const writes: string[] = [];
  const problems: string[] = [];
  const api = countWrites(await openApi(t, options.kubeconfig ?? kube.kubeconfig), requests);
  const ending = new AbortController();
  const impatient = { firstPauseMs: 20, longestPauseMs: 200 };
  const common = { api, namespace, log: silentLog };
  const podRegistry = createPodRegistry({
    ...common,
    signal: ending.signal,
    timing: impatient,
  });
  const { settings = {} } = options;
  const placement = createKubernetesPlacement({
    ...common,
    podRegistry,
    pods: { image: 'headgate:test', natsUrl: 'nats://headgate-nats:4222', logName: 'headgate' },
    settingsOf: (pool) => ({ ...defaultPool, ...settings[pool] }),
    secretOf: options.secretOf ?? (async () => ({ 'nats.creds': 'of the pool' })),
    mayWrite: options.mayWrite ?? (() => true),
    problems: {
      onProblem: (where, message) => problems.push(`${where}: ${message}`),
      onProblemSolved: (where) => problems.push(`${where}: solved`),
    },
    onWrite: (kind, outcome) => writes.push(`${kind} ${outcome}`),
    timing: options.timing ?? {},
    reflectorTiming: impatient,
  });
  t.teardown(async () => {
    ending.abort();
    await Promise.all([placement[Symbol.asyncDispose](), podRegistry.ended]);
  });

  return {
    namespace,
    placement,
    podRegistry,
    writes,
    requests,
    problems,
    kubectl,
    object: async (type, name) => JSON.parse(await kubectl('get', type, name, '--output=json')),
    async names(...types) {
      const found = await kubectl('get', types.join(','), '--output=name');
      return found.split('\n').filter((line) => line !== '');
    },
    made,
    poolMade: (pool) =>
      Promise.all([
        made(`service/headgate-pool-${pool}-metrics`),
        ...aroundPods.map((type) => made(`${type}/headgate-pool-${pool}`)),
      ]),
    gone: (what) => kubectl('wait', '--for=delete', what, ...waits),
    becomes: (what, field) => kubectl('wait', `--for=jsonpath=${field}`, what, ...waits),
  };
}

/** A ForwardProxy `team-a/<name>` with one listener on 3128, programmed in pool `default`. */
export function placed(name: string, but: Partial<Placed> = {}): Placed {
  return {
    key: { kind: 'ForwardProxy', namespace: 'team-a', name },
    uid: `uid-of-${name}`,
    pool: 'default',
    leftBehind: [],
    listeners: [{ listener: 'http', address: '::', port: 3128 }],
    programmed: true,
    drainMs: 30_000,
    ...but,
  };
}

function countWrites(api: KubernetesApi, requests: string[]): KubernetesApi {
  const counted = { apply: api.apply, mergePatch: api.mergePatch, delete: api.delete };
  return {
    ...api,
    server: api.server,
    namespace: api.namespace,
    apply: (path, ...rest) => {
      requests.push(`apply ${path}`);
      return counted.apply(path, ...rest);
    },
    mergePatch: (path, ...rest) => {
      requests.push(`patch ${path}`);
      return counted.mergePatch(path, ...rest);
    },
    delete: (path, ...rest) => {
      requests.push(`delete ${path}`);
      return counted.delete(path, ...rest);
    },
  };
}
