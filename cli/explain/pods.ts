import type { Acknowledgement, Refusal } from '../../contracts/acknowledgement.ts';
import type { Happening } from './happening.ts';
import { type PodTable, podTable, type Runs, versionsByResource } from './pod-table.ts';
import type { LogRead } from './read-log.ts';
import type { Behind, PodFacts, RefusalFacts, RunsFacts, VersionFacts } from './report.ts';

/** A pod that runs, whether it has spoken or not. */
export type KnownPod = { readonly name: string; readonly pool: string; readonly ready: boolean };

/** What one pod says of itself, compared with the log. */
export type SpokenPod = { readonly facts: PodFacts; readonly table: PodTable | null };

export function spokenPod(read: LogRead, acknowledgement: Acknowledgement): SpokenPod {
  const { instance, pool, applied, draining, keyIds } = acknowledgement;
  const configs = configsOf(read, pool);
  const isSameLog = acknowledgement.logId === read.logId;
  const table = isSameLog ? podTable(versionsByResource(configs), acknowledgement) : null;
  const facts = {
    pod: instance,
    pool,
    applied,
    behind: isSameLog ? behindIn(configs, applied) : null,
    draining,
    keyIds,
    confirmed: table?.confirmed ?? null,
  };
  return { facts, table };
}

/** One that exists and has not been heard of lately. */
export function silentPod({ name, pool }: KnownPod): PodFacts {
  const nothingKnown = { applied: null, behind: null, draining: false, keyIds: [] };
  return { pod: name, pool, ...nothingKnown, confirmed: null };
}

export function configsOf(read: LogRead, pool: string): readonly Happening[] {
  const token = read.poolToken(pool);
  return read.happenings.filter((each) => each.isConfig && each.pool === token);
}

function behindIn(configs: readonly Happening[], applied: number): Behind | null {
  const missing = configs.filter(({ sequence }) => sequence > applied);
  const [oldest] = missing;
  return oldest === undefined ? null : { events: missing.length, since: oldest.time };
}

export function runsFacts(runs: Runs | undefined): RunsFacts {
  if (runs === undefined) return 'nothing';
  return runs.is === 'version' ? versionFacts(runs.version) : runs.is;
}

export function versionFacts({ sequence, time, generation, by }: Happening): VersionFacts {
  return { sequence, time, generation, by };
}

export function refusalFacts(refusal: Refusal | undefined): RefusalFacts | null {
  if (refusal === undefined) return null;
  const { sequence, reason, code, message } = refusal;
  return { sequence, reason, code, message };
}

/** What has to be said about a pod besides its facts. */
export function podCaveats(acknowledgement: Acknowledgement, read: LogRead): readonly string[] {
  const { instance, logId, refusals, refusalCount } = acknowledgement;
  if (logId !== read.logId) {
    return [`${instance} follows another log (${logId}), as before this one was made anew`];
  }
  const unlisted = refusalCount - refusals.length;
  if (unlisted === 0) return [];
  return [`${instance} refuses ${unlisted} more resources than it can list`];
}
