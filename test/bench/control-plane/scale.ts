import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { headgateNamespace } from '../../support/installed.ts';
import type { Installation } from './installation.ts';
import type { Observer } from './observer.ts';
import { createProxies } from './proxies.ts';

/** Resources created at once, until all are Programmed. */
export type Creation = {
  readonly resources: number;
  /** From the first request to the last answer of the API server. */
  readonly createdSeconds: number;
  /** From the last answer to the last Programmed in a watch. */
  readonly restSeconds: number;
  /** From then until each has its Service; `null`: not in time. */
  readonly servicesSeconds: number | null;
  readonly statusWrites: number;
  /** CPU seconds from the first request until all were Programmed. */
  readonly cpu: Cpu;
  readonly load: number;
};

/** Seconds of CPU time, all threads. */
export type Cpu = {
  readonly apiServer: number;
  readonly leader: number;
  readonly pod: number;
};

/** Per resource; several times what two quiet cores need. */
const programmedWithinMs = 60;
const servicesWithinMs = 30;
const atLeastMs = 60_000;

export async function measureCreation(
  installation: Installation,
  observer: Observer,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Creation> {
  const [load = 0] = loadavg();
  const before = observer.programmedNow;
  const writesBefore = await operatorCount(installation, 'headgate_status_writes_total', written);
  const cpuBefore = await cpuOf(installation);
  const beganAt = performance.now();
  await createProxies(installation.api, { from, to });
  const createdAt = performance.now();
  const resources = to - from + 1;
  const limitMs = Math.max(atLeastMs, resources * programmedWithinMs);
  await observer.allProgrammed(before + resources, limitMs);
  const endedAt = performance.now();
  const cpuAfter = await cpuOf(installation);
  const servicesSeconds = await untilServicesAre(installation, to);
  const writesAfter = await operatorCount(installation, 'headgate_status_writes_total', written);
  return {
    resources,
    createdSeconds: (createdAt - beganAt) / 1000,
    restSeconds: (endedAt - createdAt) / 1000,
    servicesSeconds,
    statusWrites: writesAfter - writesBefore,
    cpu: {
      apiServer: cpuAfter.apiServer - cpuBefore.apiServer,
      leader: cpuAfter.leader - cpuBefore.leader,
      pod: cpuAfter.pod - cpuBefore.pod,
    },
    load,
  };
}

const written = { outcome: 'written' };

/** Over all operators: another may have begun to lead. */
async function operatorCount(
  { operators, metricsOf }: Installation,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<number> {
  const { leader, standby } = await operators();
  const samples = await Promise.all(
    [leader, ...(standby === null ? [] : [standby])].map(metricsOf),
  );
  return samples.reduce((sum, each) => sum + each.sum(name, labels), 0);
}

async function cpuOf({ apiServer, operators, pods, metricsOf }: Installation): Promise<Cpu> {
  const { leader } = await operators();
  const [pod] = await pods();
  const seconds = async (name: string) => (await metricsOf(name)).sum('process_cpu_seconds_total');
  return {
    apiServer: (await apiServer()).sum('process_cpu_seconds_total'),
    leader: await seconds(leader),
    pod: pod === undefined ? 0 : await seconds(pod),
  };
}

/** Services come after Programmed, so that their number keeps nobody waiting. */
async function untilServicesAre(
  { kubectl }: Installation,
  atLeast: number,
): Promise<number | null> {
  const beganAt = performance.now();
  const withinMs = Math.max(atLeastMs, atLeast * servicesWithinMs);
  const list = ['get', 'services', '-n', headgateNamespace, '-o', 'name', '--chunk-size=0'];
  while (performance.now() - beganAt < withinMs) {
    if ((await kubectl(...list)).split('\n').length > atLeast) {
      return (performance.now() - beganAt) / 1000;
    }
    await pause(1_000);
  }
  return null;
}

/** Resident megabytes; `null`: there was none. */
export type Memory = {
  readonly resources: number;
  readonly leader: number;
  readonly standby: number | null;
  readonly pod: number | null;
  readonly load: number;
};

const settleMs = 10_000;

/** Each process's own word, some seconds after the last change: what a scrape of Prometheus would see. */
export async function measureMemory(
  { operators, pods, metricsOf }: Installation,
  resources: number,
): Promise<Memory> {
  await pause(settleMs);
  const [load = 0] = loadavg();
  const resident = async (name: string) =>
    (await metricsOf(name)).sum('process_resident_memory_bytes') / 2 ** 20;
  const { leader, standby } = await operators();
  const [pod = null] = await Promise.all((await pods()).map(resident));
  return {
    resources,
    leader: await resident(leader),
    standby: standby === null ? null : await resident(standby),
    pod,
    load,
  };
}
