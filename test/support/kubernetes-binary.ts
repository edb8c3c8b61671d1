import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './environment.ts';

/**
 * The binary that is every program of Kubernetes, by its first argument (etcd, kube-apiserver, kubectl, …):
 * `HEADGATE_KUBERNETES`, or the one that `hack/cluster` and `hack/test` build.
 */
export function findKubernetesBinary(): string {
  const named = childEnvironment()['HEADGATE_KUBERNETES'];
  if (named !== undefined && named !== '') return named;
  const built = join(import.meta.dirname, '../../.cache/kubernetes/kubernetes');
  if (existsSync(built)) return built;
  throw new Error('no Kubernetes binary: run `hack/cluster build`, or set HEADGATE_KUBERNETES');
}
