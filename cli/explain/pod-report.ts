import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import type { Happening } from './happening.ts';
import { versionsByResource } from './pod-table.ts';
import { configsOf, podCaveats, refusalFacts, runsFacts, spokenPod, versionFacts } from './pods.ts';
import type { LogRead } from './read-log.ts';
import type { PodReport } from './report.ts';

/** Everything one pod runs, and everything it should. */
export function explainPod(
  read: LogRead,
  acknowledgement: Acknowledgement,
  at: number | null,
): PodReport {
  const { facts, table } = spokenPod(read, acknowledgement);
  const configs = configsOf(read, acknowledgement.pool).filter(
    ({ sequence }) => at === null || sequence <= at,
  );
  const resources = [...versionsByResource(configs)].map(([resource, versions]) => {
    const wanted = wantedOf(versions);
    if (at !== null) return { resource, runs: 'unknown' as const, wanted, refusal: null };
    const runs = table === null ? 'unknown' : runsFacts(table.runs.get(resource));
    return { resource, runs, wanted, refusal: refusalFacts(table?.refusals.get(resource)) };
  });
  const past = 'what this pod ran then: only its newest acknowledgement is kept';
  return {
    ...facts,
    log: { id: read.logId, end: read.end, at },
    resources: resources
      .filter(({ runs, wanted }) => wanted !== null || isServed(runs))
      .sort((one, other) => (one.resource < other.resource ? -1 : 1)),
    unlistedRefusals: acknowledgement.refusalCount - acknowledgement.refusals.length,
    unknown: [...(at === null ? [] : [past]), ...podCaveats(acknowledgement, read)],
  };
}

function wantedOf(versions: readonly Happening[]) {
  const last = versions.at(-1);
  return last === undefined || last.content.is === 'removed' ? null : versionFacts(last);
}

/** Removed meanwhile, and this pod does not know it yet. */
function isServed(runs: PodReport['resources'][number]['runs']): boolean {
  return typeof runs === 'object';
}
