import { Yaml } from 'cdk8s';
import {
  defaultPool,
  type PoolSettings,
  parsePoolsConfig,
} from '../operator/kubernetes/pools-config.ts';

/** What is left out is as anywhere: two pods for every namespace, one serving thread each. */
export type PoolProps = Partial<PoolSettings>;

type Pools = Readonly<Record<string, PoolProps>>;

/** `pools.yaml`. What is edited most is written out: whoever looks at the ConfigMap sees it. */
export function writePools(pools: Pools): string {
  const { replicas, namespaces, workers, resources } = defaultPool;
  const described = Object.entries(pools).map(([name, pool]) => [
    name,
    { replicas, namespaces, workers, resources, ...pool },
  ]);
  return Yaml.stringify({ pools: Object.fromEntries(described) });
}

/** What the operator would say of it. */
export function findPoolProblems(pools: Pools): string[] {
  try {
    parsePoolsConfig(writePools(pools));
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
