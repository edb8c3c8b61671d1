import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import { openKubernetesApi } from '../../operator/kubernetes/api-client.ts';
import { accessByKubeconfig } from '../../operator/kubernetes/cluster-access.ts';
import type { Scope } from './teardowns.ts';

/** Our client of an API server, as whom the kubeconfig says; closed with the test. */
export async function openApi(
  t: Pick<Scope, 'teardown'>,
  kubeconfig: string,
): Promise<KubernetesApi> {
  const api = openKubernetesApi({ access: await accessByKubeconfig(kubeconfig) });
  t.teardown(() => api[Symbol.asyncDispose]());
  return api;
}
