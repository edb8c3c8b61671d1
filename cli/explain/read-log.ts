import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import { isSecretSealed, logEventTypes } from '../../contracts/log-events.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import { type OpenedLog, readSnapshot } from '../open-log.ts';
import { type Happening, happeningIn } from './happening.ts';

/** What an explanation is made from. */
export type LogRead = {
  readonly logId: string;
  /** The last sequence of the log. */
  readonly end: number;
  /** Oldest first. The last of every resource and pool; all that are kept where a report needs them. */
  readonly happenings: readonly Happening[];
  readonly sealed: readonly SealedSecret[];
  /** The last word of each pod; `null`: it cannot be heard here. */
  readonly acknowledgements: readonly Acknowledgement[] | null;
  /** The name of a pool as it stands in subjects. */
  readonly poolToken: (pool: string) => string;
};

export type SealedSecret = {
  /** `team-a/users` */
  readonly secret: string;
  readonly pool: string;
  readonly sequence: number;
  readonly time: string;
  readonly keyId: string;
};

type Wanted = {
  /** Whose history is told. */
  readonly resource: ResourceKey | null;
  /** Everything kept, to look at the past. */
  readonly everything: boolean;
};

/** Above this many, one pass over the whole history is quicker than a filter of each. */
const mostFilters = 100;

/** Pods are asked first: what they say they run is then in the log that is read. */
export async function readLog(log: OpenedLog, wanted: Wanted): Promise<LogRead> {
  const { reader, subjects } = log;
  const { signal } = new AbortController();
  const acknowledgements = (await log.acknowledgements?.latest(signal)) ?? null;
  const told = [subjects.allConfig, subjects.allJournal];
  const { logId, sequence, entries } = await readSnapshot(reader, told);
  const poolToken = (pool: string) => subjects.poolOf(subjects.pool(pool));
  const last = entries.map((entry) => happeningIn(entry, subjects)).filter((one) => one !== null);

  const needed = wanted.everything ? told : subjectsNeeded(last, acknowledgements ?? [], poolToken);
  const ofResource = wanted.resource === null ? [] : subjectsOf(last, wanted.resource);
  const filters = wanted.everything ? told : [...new Set([...needed, ...ofResource])];
  const older: Happening[] = [];
  if (filters.length > 0) {
    const few = filters.length <= mostFilters;
    for await (const entry of reader.history(few ? filters : told, signal)) {
      const happening = happeningIn(entry, subjects);
      if (happening !== null) older.push(happening);
    }
  }
  return {
    logId,
    end: Math.max(sequence, older.at(-1)?.sequence ?? 0),
    happenings: inOrder([...last, ...older]),
    sealed: entries.map((entry) => sealedIn(entry, subjects.poolOf)).filter((one) => one !== null),
    acknowledgements,
    poolToken,
  };
}

/** Subjects of which some pod may serve another version than the last. */
function subjectsNeeded(
  last: readonly Happening[],
  acknowledgements: readonly Acknowledgement[],
  poolToken: (pool: string) => string,
): readonly string[] {
  const reached = new Map<string, number>();
  const refused = new Set<string>();
  for (const { pool, applied, refusals } of acknowledgements) {
    const token = poolToken(pool);
    reached.set(token, Math.min(reached.get(token) ?? Number.POSITIVE_INFINITY, applied));
    for (const { resource } of refusals) refused.add(resource);
  }
  return last
    .filter(({ isConfig }) => isConfig)
    .filter(
      ({ key, pool, sequence }) =>
        sequence > (reached.get(pool) ?? sequence) || refused.has(formatKey(key)),
    )
    .map(({ subject }) => subject);
}

function subjectsOf(last: readonly Happening[], key: ResourceKey): readonly string[] {
  return last
    .filter((happening) => formatKey(happening.key) === formatKey(key))
    .map(({ subject }) => subject);
}

function sealedIn(
  { sequence, subject, event }: LogEntry,
  poolOf: (subject: string) => string,
): SealedSecret | null {
  if (event.type !== logEventTypes.secretSealed || !isSecretSealed(event.data)) return null;
  const { namespace, name, keyId } = event.data;
  const secret = `${namespace}/${name}`;
  return { secret, pool: poolOf(subject), sequence, time: event.time, keyId };
}

function inOrder(happenings: readonly Happening[]): readonly Happening[] {
  const bySequence = new Map(happenings.map((one) => [one.sequence, one]));
  return [...bySequence.values()].sort((one, other) => one.sequence - other.sequence);
}
