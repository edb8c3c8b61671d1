import { open } from 'node:fs/promises';
import type { Validator } from '../schema/validator.ts';
import { describe, errorCode, type FoundFile, reasonOf } from './find-files.ts';
import { type FileContents, type OldSpecOf, readFileContents } from './read-file.ts';

/** The contents of files, read again only when they may have changed and are at rest. */
export type FileCache = {
  /** What a file says, or how long to wait before asking again because it is being written. */
  read(file: FoundFile): Promise<CachedFile>;
  /** The next read of these goes to the disk, changed or not. */
  forget(paths: Iterable<string>): void;
  /** Lets go of what is not there any more. */
  retain(files: readonly FoundFile[]): void;
};

export type CachedFile =
  | { readonly settled: true; readonly contents: FileContents }
  | {
      readonly settled: false;
      /** What it said before; `null` if it is new. */
      readonly contents: FileContents | null;
      readonly waitMs: number;
    };

/** A file that someone writes to is left alone until it was unchanged for this long. */
export const settleMs = 20;
/** A file that never rests is reported rather than waited for. */
const patienceMs = 1000;
/** As much as a ConfigMap holds; parsing it takes up to seconds, which delay everything else. */
const maxFileBytes = 1_048_576;

type Slot = {
  version: string | null;
  contents: FileContents | null;
  /** The version that has to rest, and when it was first seen. */
  unsettled: { readonly version: string; readonly sinceMs: number } | null;
  restlessSinceMs: number | null;
};

export function createFileCache(validator: Validator, oldSpecOf: OldSpecOf): FileCache {
  const slots = new Map<string, Slot>();

  async function read(file: FoundFile): Promise<CachedFile> {
    const slot = slots.get(file.path) ?? newSlot();
    slots.set(file.path, slot);
    if (slot.contents !== null && slot.version === file.version) {
      return { settled: true, contents: slot.contents };
    }
    const waitMs = timeToRest(slot, file);
    if (waitMs > 0) return restless(file, slot, waitMs);

    const loaded = await load(file);
    if (loaded === null) return restless(file, slot, settleMs);
    slot.version = file.version;
    slot.contents =
      loaded instanceof Uint8Array
        ? readFileContents(file.path, loaded, validator, oldSpecOf)
        : unreadable(file.path, loaded.message);
    slot.unsettled = null;
    slot.restlessSinceMs = null;
    return { settled: true, contents: slot.contents };
  }

  return {
    read,
    forget(paths) {
      for (const path of paths) {
        const slot = slots.get(path);
        if (slot !== undefined) slot.version = null;
      }
    },
    retain(files) {
      const present = new Set(files.map(({ path }) => path));
      for (const path of slots.keys()) if (!present.has(path)) slots.delete(path);
    },
  };
}

function newSlot(): Slot {
  return { version: null, contents: null, unsettled: null, restlessSinceMs: null };
}

/** 0 once the file was unchanged for long enough, by its own time or, if its clock is off, by ours. */
function timeToRest(slot: Slot, { version, changedAtMs }: FoundFile): number {
  const age = Date.now() - changedAtMs;
  if (age >= settleMs) return 0;
  if (slot.unsettled?.version !== version) slot.unsettled = { version, sinceMs: performance.now() };
  const watched = performance.now() - slot.unsettled.sinceMs;
  return Math.max(0, Math.min(settleMs - watched, age >= 0 ? settleMs - age : settleMs));
}

function restless(file: FoundFile, slot: Slot, waitMs: number): CachedFile {
  slot.restlessSinceMs ??= performance.now();
  if (performance.now() - slot.restlessSinceMs < patienceMs) {
    return { settled: false, contents: slot.contents, waitMs };
  }
  const restlessContents = unreadable(
    file.path,
    'is written to all the time; waiting for it to rest',
  );
  return { settled: true, contents: restlessContents };
}

/** The bytes of a file, why there are none, or `null` when it changed under the reader's hands. */
async function load(file: FoundFile): Promise<Uint8Array | { readonly message: string } | null> {
  if (file.size > maxFileBytes) return { message: 'is larger than 1 MiB: split it' };
  try {
    await using handle = await open(file.path);
    const bytes = await handle.readFile();
    const after = describe(await handle.stat({ bigint: true }));
    return after.version === file.version ? bytes : null;
  } catch (error) {
    // Deleted or replaced just now: the next look finds out.
    return errorCode(error) === 'ENOENT' ? null : { message: reasonOf(error) };
  }
}

/** A file that cannot be read: it may hold anything. */
export function unreadable(path: string, message: string): FileContents {
  const problem = { file: path, line: 0, field: '', message };
  return { entries: [], problems: [problem], incomplete: true };
}
