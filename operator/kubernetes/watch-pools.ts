import { clusterNames } from '../../contracts/cluster-names.ts';
import { isRecord } from '../../contracts/json.ts';
import type { Log } from '../../runtime/log.ts';
import type { WatchRestart } from '../metrics.ts';
import type { KubernetesApi } from './api.ts';
import { noPoolsConfig, type PoolsConfig, parsePoolsConfig } from './pools-config.ts';
import { createReflector, type ReflectorTiming } from './reflector.ts';
import { pathOf, resourceTypes } from './resource-types.ts';

type Options = {
  readonly api: KubernetesApi;
  /** The operator's own. */
  readonly namespace: string;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onChange: () => void;
  /** `null`: there is none any more. */
  readonly onProblem: (message: string | null) => void;
  readonly onRestart: (reason: WatchRestart) => void;
  readonly timing?: Partial<ReflectorTiming>;
};

/** What the ConfigMap of pools says, as of now. */
export type WatchedPools = {
  /** The last that could be read; `null`: none yet, so that nobody knows which pools there are. */
  current(): PoolsConfig | null;
  readonly ended: Promise<void>;
};

const key = 'pools.yaml';

/** Follows the ConfigMap. One that cannot be read changes nothing, and is said. */
export function watchPools(options: Options): WatchedPools {
  const { api, namespace, onChange, onProblem, onRestart, signal, log, timing = {} } = options;
  let current: PoolsConfig | null = null;

  const reflector = createReflector<string | null>({
    api,
    path: pathOf(resourceTypes.configMaps, { namespace }),
    fieldSelector: `metadata.name=${clusterNames.poolsConfigMap}`,
    keep: ({ data }) => (isRecord(data) && typeof data[key] === 'string' ? data[key] : null),
    signal,
    log,
    timing,
    onRestart,
    onChange: () => reflector.complete && look(),
    onState: look,
  });

  function look(): void {
    const { problem } = reflector;
    if (problem !== null) return onProblem(problem.message);
    const found = reflector.get(namespace, clusterNames.poolsConfigMap);
    try {
      current = found === null ? noPoolsConfig : parse(found.value);
    } catch (error) {
      return onProblem(error instanceof Error ? error.message : String(error));
    }
    onProblem(null);
    onChange();
  }

  return { current: () => current, ended: reflector.ended };
}

function parse(text: string | null): PoolsConfig {
  if (text === null) throw new TypeError(`it has no key "${key}"`);
  return parsePoolsConfig(text);
}
