import type { Acknowledgement, Refusal } from '../../contracts/acknowledgement.ts';
import { formatKey } from '../../contracts/resource-key.ts';
import { tableDigest } from '../../dataplane/desired-state/table-digest.ts';
import type { Happening } from './happening.ts';

/** Config events of one pool by resource (`ForwardProxy/team-a/egress`), oldest first. */
export type PoolVersions = ReadonlyMap<string, readonly Happening[]>;

/** What one pod serves of one resource. */
export type Runs =
  | { readonly is: 'version'; readonly version: Happening }
  | { readonly is: 'nothing' }
  /** It refused the version it should serve, and what it kept instead cannot be told from outside. */
  | { readonly is: 'unknown' };

export type PodTable = {
  readonly runs: ReadonlyMap<string, Runs>;
  /** By resource. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  /**
   * Whether the pod's own digest over its table says the same. `null`: it cannot be compared,
   * because the pod has refusals that it could not list or that leave too many possibilities.
   */
  readonly confirmed: boolean | null;
};

/** Above this many rows hashed, what a pod kept instead of refused versions stays unknown. */
const mostRowsHashed = 2_000_000;

export function versionsByResource(happenings: readonly Happening[]): PoolVersions {
  return Map.groupBy(happenings, ({ key }) => formatKey(key));
}

/**
 * Everything up to `applied` is in force except what the pod refused; of that it serves the version
 * before, or nothing, if it has been started since. The digest of its table tells which.
 */
export function podTable(versions: PoolVersions, acknowledgement: Acknowledgement): PodTable {
  const { applied, digest, refusalCount } = acknowledgement;
  const refusals = new Map(acknowledgement.refusals.map((refusal) => [refusal.resource, refusal]));
  const certain = new Map<string, Runs>();
  const open = new Map<string, readonly Runs[]>();
  for (const [resource, all] of versions) {
    const reached = all.filter(({ sequence }) => sequence <= applied);
    const refused = refusals.get(resource)?.sequence === reached.at(-1)?.sequence;
    if (refused && reached.length > 0) open.set(resource, alternatives(reached));
    else certain.set(resource, runsOf(reached.at(-1)));
  }

  const undecided = new Map<string, Runs>(open.keys().map((each) => [each, { is: 'unknown' }]));
  const unknown = { runs: new Map([...certain, ...undecided]), refusals, confirmed: null };
  const combinations = open.values().reduce((count, each) => count * each.length, 1);
  if (refusalCount > refusals.size) return unknown;
  if (combinations * versions.size > mostRowsHashed) return unknown;

  for (const choice of choices([...open])) {
    const runs = new Map([...certain, ...choice]);
    if (digestOf(runs) === digest) return { runs, refusals, confirmed: true };
  }
  return { ...unknown, confirmed: false };
}

/** What it may serve when it refused the last of these: any older version, back to a removal. */
function alternatives(reached: readonly Happening[]): readonly Runs[] {
  const older = reached.slice(0, -1);
  const removal = older.findLastIndex(({ content }) => content.is === 'removed');
  return [
    ...older
      .slice(removal + 1)
      .reverse()
      .map(runsOf),
    { is: 'nothing' },
  ];
}

function runsOf(version: Happening | undefined): Runs {
  if (version === undefined || version.content.is === 'removed') return { is: 'nothing' };
  return { is: 'version', version };
}

function* choices(
  open: ReadonlyArray<readonly [string, readonly Runs[]]>,
): Generator<ReadonlyArray<readonly [string, Runs]>> {
  const [first, ...rest] = open;
  if (first === undefined) {
    yield [];
    return;
  }
  const [resource, possible] = first;
  for (const runs of possible) {
    for (const others of choices(rest)) yield [[resource, runs], ...others];
  }
}

function digestOf(table: ReadonlyMap<string, Runs>): string {
  const rows = [...table].flatMap(([resource, runs]) =>
    runs.is === 'version' ? [[resource, runs.version.sequence] as const] : [],
  );
  return tableDigest(new Map(rows));
}
