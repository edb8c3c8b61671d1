import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { isRecord } from '../../../contracts/json.ts';
import { pathOf, resourceTypes } from '../../../operator/kubernetes/resource-types.ts';
import { headgateNamespace } from '../../support/installed.ts';
import type { Installation } from './installation.ts';

/** How a new pod came to serve everything. */
export type PodStart = {
  readonly resources: number;
  /** From the request to remove the old pod until the new one says that it is ready. */
  readonly fromDeletionSeconds: number;
  /** From its first line in its log: the process runs, nothing is known yet. */
  readonly fromProcessSeconds: number;
  readonly load: number;
};

const longestMs = 120_000;
const askEveryMs = 20;

/** Removes a pod; its Deployment makes another, which has to begin from the log. */
export async function measurePodStart(
  installation: Installation,
  resources: number,
): Promise<PodStart> {
  const { api, pods } = installation;
  const [load = 0] = loadavg();
  const before = await pods();
  const [gone = ''] = before;
  const beganAt = performance.now();
  await api.delete(pathOf(resourceTypes.pods, { namespace: headgateNamespace, name: gone }));
  const fresh = await until(beganAt, async () =>
    (await pods()).find((name) => !before.includes(name)),
  );
  await until(beganAt, async () => ((await isReady(installation, fresh)) ? true : undefined));
  const readyAt = performance.now();
  const readyEpochMs = Date.now();
  return {
    resources,
    fromDeletionSeconds: (readyAt - beganAt) / 1000,
    fromProcessSeconds: (readyEpochMs - (await firstLineAt(installation, fresh))) / 1000,
    load,
  };
}

async function until<T>(sinceMs: number, look: () => Promise<T | undefined>): Promise<T> {
  while (performance.now() - sinceMs < longestMs) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(askEveryMs);
  }
  throw new Error('no new pod was ready in time');
}

/** Asked through the API server; by itself it is asked every two seconds. */
async function isReady({ tryKubectl }: Installation, pod: string): Promise<boolean> {
  const path = `/api/v1/namespaces/${headgateNamespace}/pods/${pod}:9127/proxy/readyz`;
  return (await tryKubectl(['get', '--raw', path])).code === 0;
}

async function firstLineAt({ kubectl }: Installation, pod: string): Promise<number> {
  const printed = await kubectl('logs', '-n', headgateNamespace, pod, '--limit-bytes=2000');
  const [line = '{}'] = printed.split('\n');
  const parsed: unknown = JSON.parse(line);
  const time = isRecord(parsed) ? parsed['time'] : undefined;
  return typeof time === 'string' ? Date.parse(time) : Number(time);
}
