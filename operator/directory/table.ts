import type { Problem } from '../control-loop/source.ts';
import type { Entry, FileContents } from './read-file.ts';

/** What the source says there is, by kind, namespace and name. */
export type Table = ReadonlyMap<string, Row>;

type Row = {
  readonly entry: Entry;
  /** Since when no file has it any more; `null`: one has. */
  readonly missingSinceMs: number | null;
};

export type Update = {
  readonly table: Table;
  /** Appeared, changed or gone. */
  readonly changed: readonly Entry[];
  /** Missing, but not for long enough to believe it. */
  readonly doubted: readonly Entry[];
  /** When to look at these again; `null`: there are none. */
  readonly lookAgainInMs: number | null;
};

export function keyOf({
  kind,
  namespace,
  name,
}: Pick<Entry, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

/**
 * A truncated save is valid YAML with fewer documents, so what is missing is believed only when a
 * second look this much later finds the same.
 */
const believeMissingAfterMs = 250;

/** Brings a table up to date with what the files say now. Nothing goes while a part cannot be read. */
export function updateTable(
  table: Table,
  found: ReadonlyMap<string, Entry>,
  complete: boolean,
  nowMs: number,
): Update {
  const next = new Map<string, Row>();
  const changed: Entry[] = [];
  const doubted: Entry[] = [];
  let lookAgainInMs: number | null = null;
  for (const [key, entry] of found) {
    next.set(key, { entry, missingSinceMs: null });
    if (table.get(key)?.entry.fingerprint !== entry.fingerprint) changed.push(entry);
  }
  for (const [key, row] of table) {
    if (found.has(key)) continue;
    const since = complete ? (row.missingSinceMs ?? nowMs) : null;
    if (since !== null && nowMs - since >= believeMissingAfterMs) {
      changed.push(row.entry);
      continue;
    }
    next.set(key, { entry: row.entry, missingSinceMs: since });
    if (since === null) continue;
    doubted.push(row.entry);
    lookAgainInMs = Math.min(
      lookAgainInMs ?? believeMissingAfterMs,
      since + believeMissingAfterMs - nowMs,
    );
  }
  return { table: next, changed, doubted, lookAgainInMs };
}

/** All entries by key. Of two with one key the first stays, by path and line; the other is a problem. */
export function mergeFiles(files: Iterable<FileContents>): {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly problems: readonly Problem[];
} {
  const entries = new Map<string, Entry>();
  const problems: Problem[] = [];
  for (const contents of files) {
    problems.push(...contents.problems);
    for (const entry of contents.entries) {
      const key = keyOf(entry);
      const first = entries.get(key);
      if (first === undefined) entries.set(key, entry);
      else problems.push(repeated(entry, first));
    }
  }
  return { entries, problems };
}

function repeated(entry: Entry, first: Entry): Problem {
  return {
    file: entry.file,
    line: entry.nameLine,
    field: 'metadata.name',
    message: `${keyOf(entry)} is written twice; ${first.file}:${first.nameLine} is served, this one is not`,
  };
}
