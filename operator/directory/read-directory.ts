import type { Problem } from '../control-loop/source.ts';
import type { Validator } from '../schema/validator.ts';
import { createFileCache, settleMs, unreadable } from './file-cache.ts';
import { findFiles } from './find-files.ts';
import type { Entry } from './read-file.ts';
import { mergeFiles } from './table.ts';

/** Everything directories say at this moment, with everything that is wrong with it. */
export type DirectoryContents = {
  readonly entries: readonly Entry[];
  /** By file and line. */
  readonly problems: readonly Problem[];
};

/** Reads directories once. */
export async function readDirectory(
  directories: readonly string[],
  validator: Validator,
): Promise<DirectoryContents> {
  const found = await findFiles(directories);
  const cache = createFileCache(validator, () => undefined);
  const files = found.unreadable.map(({ path, message }) => unreadable(path, message));
  for (const file of found.files) {
    // There is no second look, so what it says now is what it says.
    const { contents } = await cache.read({ ...file, changedAtMs: Date.now() - settleMs });
    if (contents !== null) files.push(contents);
  }
  const { entries, problems } = mergeFiles(files);
  const all = [...entries.values()];
  const ofResources = all.flatMap((entry) =>
    entry.type === 'resource' && !entry.observed.valid ? entry.observed.problems : [],
  );
  return { entries: all, problems: [...problems, ...ofResources].sort(byPlace) };
}

function byPlace(one: Problem, other: Problem): number {
  if (one.file !== other.file) return one.file < other.file ? -1 : 1;
  return one.line - other.line;
}
