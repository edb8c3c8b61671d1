import { type Cluster, useCluster } from './cluster.ts';
import { headgateNamespace, install } from './installed.ts';
import type { Scope } from './teardowns.ts';

/** Headgate with other pools; as it was when the test is over. */
export async function withPools(t: Scope, text: string): Promise<Cluster> {
  const cluster = await useCluster(t);
  await install(cluster);
  t.teardown(() => install(cluster));
  await setPools(cluster, text);
  return cluster;
}

/** What `pools.yaml` says from now on; `install` makes it what it was. */
export async function setPools(cluster: Cluster, text: string): Promise<void> {
  const patch = JSON.stringify({ data: { 'pools.yaml': text } });
  const of = ['-n', headgateNamespace, 'configmap/headgate-pools'];
  // As whoever applies the manifests: they have to be able to take it back.
  await cluster.kubectl('patch', ...of, '--field-manager=kubectl', '-p', patch);
}

/** Resolves once a ForwardProxy has its Service. */
export async function serviceMade(cluster: Cluster, name: string): Promise<void> {
  const service = `service/fp-${cluster.namespace}-${name}`;
  const wait = ['wait', '-n', headgateNamespace, '--for=create', '--timeout=60s'];
  await cluster.kubectl(...wait, service);
}
