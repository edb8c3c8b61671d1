import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import type { Cluster } from './cluster.ts';
import { isProgrammed } from './control-plane.ts';
import { headgateNamespace } from './installed.ts';
import { run } from './run.ts';

const headgate = join(import.meta.dirname, '../../cli/headgate');

export type PoolPod = { readonly name: string; readonly ip: string };

/** Pods of a pool that serve and are to stay. */
export async function poolPods(cluster: Cluster, pool: string): Promise<readonly PoolPod[]> {
  const selector = `headgate.dev/pool=${pool}`;
  const of = ['-n', headgateNamespace, '-l', selector, '--field-selector=status.phase=Running'];
  const { items } = JSON.parse(await cluster.kubectl('get', 'pods', ...of, '-o', 'json')) as {
    items: { metadata: { name: string; deletionTimestamp?: string }; status: { podIP: string } }[];
  };
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, status }) => ({ name: metadata.name, ip: status.podIP }));
}

/** Resolves once none of these pods is there any more. */
export async function goneAre(cluster: Cluster, pods: readonly PoolPod[]): Promise<void> {
  const names = pods.map(({ name }) => `pod/${name}`);
  const wait = ['wait', '-n', headgateNamespace, '--for=delete', '--timeout=120s'];
  await cluster.kubectl(...wait, ...names);
}

/** `kill -9` of the process in a pod. This machine is the node, or sees the processes of the node. */
export async function killProcessOf({ name }: PoolPod): Promise<void> {
  for await (const file of glob('/proc/[0-9]*/environ')) {
    const variables = await readFile(file, 'utf8').catch(() => '');
    if (!variables.split('\0').includes(`HEADGATE_POD_NAME=${name}`)) continue;
    process.kill(Number(file.split('/')[2]), 'SIGKILL');
    return;
  }
  throw new Error(`no process of pod ${name} on this machine`);
}

/** Waits until every pod of the pool, and so many there are, has this generation; resolves with the status. */
export async function programmedOn(
  { until }: Cluster,
  name: string,
  generation: number,
  pods: number,
): Promise<JsonRecord> {
  const isThere = (object: unknown) => {
    const { acked, desired } = recordAt(statusOf(object), 'propagation');
    return isProgrammed(object, generation) && acked === pods && desired === pods;
  };
  return statusOf(await until([`forwardproxy/${name}`], isThere));
}

export const statusOf = (object: unknown) => recordAt(object, 'status');

function recordAt(object: unknown, field: string): JsonRecord {
  const found = isRecord(object) ? object[field] : null;
  return isRecord(found) ? found : {};
}

/** What the log keeps of a resource of the test's namespace: `configured@2`, `removed@`. */
export async function storyOf(cluster: Cluster, name: string): Promise<readonly string[]> {
  const lines = await ask(cluster, 'events', `ForwardProxy/${cluster.namespace}/${name}`);
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ event: { type, data } }) => `${type.split('.')[3]}@${data.generation ?? ''}`);
}

/** Waits until exactly the pods of the pool that there are say that they run this generation. */
export async function servedByAll(
  cluster: Cluster,
  name: string,
  { pool, generation }: { readonly pool: string; readonly generation: number },
): Promise<void> {
  for (;;) {
    const expected = (await poolPods(cluster, pool)).map((pod) => pod.name).sort();
    const text = await ask(cluster, 'explain', 'resource', `fp/${name}`);
    const { pods } = JSON.parse(text) as Explained;
    const serving = pods.filter((pod) => !pod.draining && pod.runs?.generation === generation);
    const isSettled = pods.length === serving.length; // nobody drains either
    if (isSettled && String(serving.map(({ pod }) => pod).sort()) === String(expected)) return;
    await setTimeout(500);
  }
}

type Explained = {
  readonly pods: readonly {
    readonly pod: string;
    readonly draining: boolean;
    readonly runs: { readonly generation: number } | null;
  }[];
};

async function ask(cluster: Cluster, ...command: readonly string[]): Promise<string> {
  const place = ['-n', cluster.namespace, '--kubeconfig', cluster.kubeconfig, '-o', 'json'];
  const { code, stdout, stderr } = await run(headgate, [...command, ...place]);
  if (code !== 0) throw new Error(`headgate ${command.join(' ')}: ${stderr}`);
  return stdout;
}
