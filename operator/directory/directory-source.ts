import { stat } from 'node:fs/promises';
import { ProxyError } from '../../contracts/errors.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { Observed, Source, SourceChange } from '../control-loop/source.ts';
import type { Validator } from '../schema/validator.ts';
import { createChangeQueue } from './change-queue.ts';
import { createFileCache, unreadable } from './file-cache.ts';
import { findFiles, reasonOf } from './find-files.ts';
import { findService, refuseReference } from './find-service.ts';
import { createProblemBoard } from './problem-board.ts';
import type { Entry, FileContents } from './read-file.ts';
import { createScanner } from './scanner.ts';
import { keyOf, mergeFiles, type Table, updateTable } from './table.ts';
import { watchDirectories } from './watch-directories.ts';

type Options = {
  /** Directories, or single files. */
  readonly directories: readonly string[];
  readonly validator: Validator;
  readonly id: string;
  readonly signal: AbortSignal;
};

/** How long a change may stay unnoticed where the system does not tell us of it. */
const rescanMs = 2000;
const rescanWhenDeafMs = 500;

/** Resources from watched YAML and JSON files. Resolves when the first listing is in. */
export async function openDirectorySource(options: Options): Promise<Source> {
  const { directories, validator, id, signal } = options;
  await refuseMissing(directories);
  let table: Table = new Map();
  let complete = false;
  const queue = createChangeQueue();
  const board = createProblemBoard(queue.push);
  const cache = createFileCache(validator, (identity) => specOf(table.get(keyOf(identity))?.entry));
  const closed = new AbortController();
  const firstListing = Promise.withResolvers<void>();
  let listed = false;

  const scanner = createScanner(scan);
  const watch = watchDirectories(() => scanner.scanSoon(0));

  /** One look at everything; says when the next one is due. */
  async function scan(): Promise<number> {
    const found = await findFiles(directories);
    // What changed between the look and the watch would go unnoticed.
    const waits = watch.retarget(found.watch) ? [0] : [];
    cache.retain(found.files);

    const files: FileContents[] = found.unreadable.map(({ path, message }) =>
      unreadable(path, message),
    );
    let settled = true;
    let unread = false;
    for (const file of found.files) {
      const read = await cache.read(file);
      if (read.contents !== null) files.push(read.contents);
      else unread = true;
      if (read.settled) continue;
      settled = false;
      waits.push(Math.ceil(read.waitMs));
    }
    // A first listing with holes in it would read as if something were missing.
    if (settled || listed) waits.push(publish(files, unread));
    return Math.min(...waits, watch.deaf ? rescanWhenDeafMs : rescanMs);
  }

  /**
   * Makes known what the files say; answers when to look again at what is in doubt. What is missing
   * may stand in a file that was not read yet: it may just have got another name.
   */
  function publish(files: readonly FileContents[], unread: boolean): number {
    const wasComplete = complete;
    complete = !files.some((file) => file.incomplete);
    const { entries, problems } = mergeFiles(files);
    const update = updateTable(table, entries, complete && !unread, performance.now());
    table = update.table;
    for (const entry of update.changed) queue.push(changeOf(entry));
    board.show(problems);
    if (!listed || (complete && !wasComplete)) queue.push({ type: 'synced' });
    listed = true;
    firstListing.resolve();

    cache.forget(update.doubted.map(({ file }) => file));
    return update.lookAgainInMs ?? rescanMs;
  }

  function close(): void {
    closed.abort();
    scanner.stop();
    watch[Symbol.dispose]();
    firstListing.reject(signal.reason);
  }

  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  scanner.scanSoon(0);
  await firstListing.promise;

  return {
    id,
    changes: (until) => queue.read(AbortSignal.any([closed.signal, until])),
    list: () => ({ keys: resourceKeys(table), complete }),
    read: (key) => observedIn(table, key),
    async readSecret(namespace, name) {
      const entry = table.get(keyOf({ kind: 'Secret', namespace, name }))?.entry;
      if (entry?.type === 'secret') return entry.secret;
      return { found: false, message: `there is no Secret ${namespace}/${name}` };
    },
    async readService(namespace, name) {
      const entries = Array.from(table.values(), ({ entry }) => entry);
      return findService(entries, namespace, name);
    },
    async refuseReference(reference) {
      const entries = Array.from(table.values(), ({ entry }) => entry);
      return refuseReference(entries, reference);
    },
    confirmAbsent: async () => complete,
    refuseInPool: () => null,
    statuses: null,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', close);
      close();
      await scanner.idle();
    },
  };
}

/** Later a directory may come and go; at the start one that is not there is a slip of the pen. */
async function refuseMissing(directories: readonly string[]): Promise<void> {
  for (const path of directories) {
    try {
      await stat(path);
    } catch (cause) {
      const code = 'proxy_configuration_error';
      throw new ProxyError(`${path} ${reasonOf(cause)}`, { code, cause });
    }
  }
}

function observedIn<K extends Kind>(
  table: Table,
  key: ResourceKey & { readonly kind: K },
): Observed<K> {
  const entry = table.get(keyOf(key))?.entry;
  if (entry?.type !== 'resource' || entry.kind !== key.kind) return null;
  return entry.observed as Observed<K>;
}

function resourceKeys(table: Table): readonly ResourceKey[] {
  return Array.from(table.values()).flatMap(({ entry }) =>
    entry.type === 'resource'
      ? [{ kind: entry.kind, namespace: entry.namespace, name: entry.name }]
      : [],
  );
}

function changeOf(entry: Entry): SourceChange {
  const { namespace, name } = entry;
  switch (entry.type) {
    case 'secret':
    case 'service':
      return { type: entry.type, namespace, name };
    case 'grant':
      return { type: 'grants', namespace };
    case 'slice':
      return { type: 'service', namespace, name: entry.service };
    case 'resource':
      return { type: 'resource', key: { kind: entry.kind, namespace, name } };
  }
}

function specOf(entry: Entry | undefined): unknown {
  return entry?.type === 'resource' && entry.observed.valid ? entry.observed.spec : undefined;
}
