import type { KubeConfig } from '@kubernetes/client-node';
import { clusterNames } from '../../contracts/cluster-names.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import { openKubernetesApi } from '../../operator/kubernetes/api-client.ts';
import { accessOf, loadKubeconfig } from '../../operator/kubernetes/cluster-access.ts';
import { CommandFailed } from '../exit-codes.ts';
import type { ClusterPlace } from '../place.ts';

export type Cluster = AsyncDisposable & {
  readonly api: KubernetesApi;
  /** For what the API above cannot do. */
  readonly config: KubeConfig;
  /** Of the context: where objects are looked for unless another is named. */
  readonly namespace: string;
  /** Where Headgate itself runs. */
  readonly headgateNamespace: string;
};

/** What the client takes for the server when it found no kubeconfig anywhere. */
const noServer = 'http://localhost:8080';

/** The cluster as kubectl would find it. Connects with the first request. */
export async function openCluster({
  kubeconfig,
  context,
  headgateNamespace,
}: ClusterPlace): Promise<Cluster> {
  const config = await loadKubeconfig(kubeconfig, context).catch((cause: unknown) => {
    if (isSystemError(cause)) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailed('refused', problem, { cause });
  });
  const access = accessOf(config);
  if (access.server === noServer) {
    throw new CommandFailed(
      'refused',
      'there is no kubeconfig: name one with --kubeconfig or $KUBECONFIG, or put it at ~/.kube/config',
    );
  }
  const api = openKubernetesApi({ access });
  return {
    api,
    config,
    namespace: access.namespace,
    headgateNamespace: headgateNamespace ?? clusterNames.namespace,
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

/** A file that cannot be read: its own words are the best. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
