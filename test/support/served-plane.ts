import type { ExecutionContext } from 'ava';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import { type ControlPlane, startControlPlane, team } from './control-plane.ts';
import { applyMarked, type Editing } from './edits.ts';
import type { KubeApiOptions } from './kube-api.ts';
import { type Load, startLoad } from './load.ts';
import { type LogTap, tapLog } from './log-tap.ts';
import { openApi } from './open-api.ts';
import type { OperatorProcess } from './operator-process.ts';
import { echo, startOrigin, startTcpOrigin } from './origin.ts';
import type { PodProcess } from './pod-process.ts';
import { freePort } from './ports.ts';
import { isTold, problemsOf } from './story.ts';
import { hasCondition, type WatchedProxies, watchProxies } from './watch-proxies.ts';

/** A control plane, one pod, and clients that use the proxy `steady` all the time. */
export type ServedPlane = ControlPlane & {
  readonly operator: OperatorProcess;
  readonly pod: PodProcess;
  readonly api: KubernetesApi;
  readonly proxies: WatchedProxies;
  readonly namespace: string;
  readonly steadyPort: number;
  readonly load: Load;
  readonly log: LogTap;
};

const clients = { kept: 1, connect: 1, tunnel: 1 };
const betweenTurnsMs = 10;

export async function startServedPlane(
  t: ExecutionContext,
  options: Partial<KubeApiOptions> & { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ServedPlane> {
  const plane = await startControlPlane(t, options);
  t.teardown(() => {
    if (!t.passed)
      t.log(
        `the operator said:\n${plane.operator.lines.all
          .filter((line) => !line.includes('"level":"debug"'))
          .slice(-60)
          .join('\n')}`,
      );
  });
  const api = await openApi(t, plane.kube.kubeconfig);
  const steadyPort = await freePort();
  await applyMarked({ api, namespace: team }, 'steady', steadyPort, 1000);
  const [pod, log, http, tcp] = await Promise.all([
    plane.startPod('pod-1'),
    tapLog(t, plane),
    startOrigin(t),
    startTcpOrigin(t, echo),
  ]);
  const proxies = watchProxies(t, api, team);
  await proxies.until('steady', (object) => hasCondition(object, 'Programmed', 'True', 1));
  const origins = { http: http.authority, echo: tcp.authority };
  const load = startLoad(steadyPort, origins, clients, betweenTurnsMs);
  t.teardown(() => load.stop());
  await load.more(20);
  return { ...plane, pod, api, proxies, namespace: team, steadyPort, load, log };
}

/** Waits until the log tells how every story ended; then compares all of it, and what clients saw. */
export async function assertNothingLost(
  t: ExecutionContext,
  { log, proxies, load }: Pick<ServedPlane, 'log' | 'proxies' | 'load'>,
  { histories }: Pick<Editing, 'histories'>,
): Promise<void> {
  const keyOf = (name: string) => `ForwardProxy/${team}/${name}`;
  const stories = [...histories].map(([name, edits]) => [keyOf(name), edits] as const);
  await log.until((entries) => stories.every(([key, edits]) => isTold(key, edits, entries)));
  for (const [name, edits] of histories) {
    const last = edits.at(-1);
    if (last?.type !== 'applied') continue;
    const [type, value] = last.isGood ? ['Programmed', 'True'] : ['Accepted', 'False'];
    await proxies.until(name, (object) => hasCondition(object, type, value, last.generation));
  }
  await load.more(20);
  t.deepEqual(
    stories.flatMap(([key, edits]) => problemsOf(key, edits, log.all)),
    [],
  );
  t.deepEqual(load.failures, []);
}

/** Whether the last it said of it is that it leads. */
export function leads({ lines }: Pick<OperatorProcess, 'lines'>): boolean {
  const last = lines.all.findLast((line) => /"message":"(leading|leads no longer)"/.test(line));
  return last?.includes('"leading"') ?? false;
}

export async function untilLeading(operator: OperatorProcess): Promise<void> {
  while (!leads(operator)) await operator.said('leading', operator.lines.all.length);
}

/** Elections, in the order of the log. */
export function electionsIn({ all }: Pick<LogTap, 'all'>): readonly number[] {
  return all.filter(({ subject }) => subject.endsWith('.leader')).map(({ sequence }) => sequence);
}
