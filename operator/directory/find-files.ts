import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** What is written under some directories at this moment, without having read any of it. */
export type Findings = {
  /** In the order of their paths. */
  readonly files: readonly FoundFile[];
  /** What to watch to hear of changes. */
  readonly watch: readonly WatchTarget[];
  /** Places nothing can be known about. */
  readonly unreadable: readonly Unreadable[];
};

export type FoundFile = {
  readonly path: string;
  /** Differs when the contents may differ. */
  readonly version: string;
  readonly size: number;
  /** When contents or place last changed, by the file system's clock. */
  readonly changedAtMs: number;
};

export type WatchTarget = {
  readonly path: string;
  /** Another directory may come to stand at the same path. */
  readonly id: string;
  /** The one name in it that matters; `null`: all do. */
  readonly only: string | null;
};

export type Unreadable = { readonly path: string; readonly message: string };

type Walk = {
  readonly files: FoundFile[];
  readonly watch: WatchTarget[];
  readonly unreadable: Unreadable[];
  readonly visited: Set<string>;
};

/** Finds `*.yaml`, `*.yml` and `*.json` in directories and below, through symbolic links. */
export async function findFiles(directories: readonly string[]): Promise<Findings> {
  const walk: Walk = { files: [], watch: [], unreadable: [], visited: new Set() };
  for (const path of directories) {
    await visitPath(walk, path, true);
    // It may be replaced as a whole, or come back after it was gone.
    await watchParent(walk, resolve(path));
  }
  walk.files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return walk;
}

async function visitPath(walk: Walk, path: string, asked: boolean): Promise<void> {
  try {
    const found = await stat(path, { bigint: true });
    if (found.isDirectory()) await visitDirectory(walk, path, found);
    else if (asked || isManifest(path)) visitFile(walk, path, found);
    else return;
    await watchBehindLink(walk, path);
  } catch (error) {
    if (!asked && (await isNothing(path, error))) return;
    walk.unreadable.push({ path, message: reasonOf(error) });
  }
}

async function visitDirectory(walk: Walk, path: string, found: BigIntStats): Promise<void> {
  const id = `${found.dev}:${found.ino}`;
  // Links may lead in a circle, and directories may be given twice.
  if (walk.visited.has(id)) return;
  walk.visited.add(id);
  const entries = await readdir(path, { withFileTypes: true });
  walk.watch.push({ path, id, only: null });
  const candidates = entries.filter(
    (entry) =>
      !entry.name.startsWith('.') &&
      (entry.isDirectory() || entry.isSymbolicLink() || isManifest(entry.name)),
  );
  await Promise.all(candidates.map((entry) => visitPath(walk, join(path, entry.name), false)));
}

function visitFile(walk: Walk, path: string, found: BigIntStats): void {
  // Opening a pipe would wait for someone to write to it.
  if (!found.isFile()) {
    walk.unreadable.push({ path, message: 'is not a regular file' });
    return;
  }
  walk.files.push({ path, ...describe(found) });
}

export function describe(found: BigIntStats): Omit<FoundFile, 'path'> {
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  const changedAtNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return {
    version: `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`,
    size: Number(size),
    changedAtMs: Number(changedAtNs / 1_000_000n),
  };
}

/** What a link leads to is edited elsewhere. */
async function watchBehindLink(walk: Walk, path: string): Promise<void> {
  if ((await lstat(path)).isSymbolicLink()) await watchParent(walk, await realpath(path));
}

async function watchParent(walk: Walk, path: string): Promise<void> {
  const parent = dirname(path);
  try {
    const { dev, ino } = await stat(parent, { bigint: true });
    walk.watch.push({ path: parent, id: `${dev}:${ino}`, only: basename(path) });
  } catch {
    // Nothing to watch; the next look tries again.
  }
}

/** Deleted between the listing and the look, or a link that leads nowhere and may be anything. */
async function isNothing(path: string, error: unknown): Promise<boolean> {
  if (errorCode(error) !== 'ENOENT') return false;
  if (!isManifest(path)) return true;
  return await lstat(path).then(
    () => false,
    () => true,
  );
}

export function isManifest(path: string): boolean {
  return /\.(yaml|yml|json)$/.test(path);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  ELOOP: 'is a symbolic link that leads in a circle',
  ENOTDIR: 'is not a directory any more',
};

/** Why a file or directory could not be read, for people. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return reasons[errorCode(error)] ?? error.message;
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
