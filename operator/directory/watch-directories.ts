import { type FSWatcher, watch } from 'node:fs';
import { isManifest, type WatchTarget } from './find-files.ts';

/** Says when something may have changed under some directories. */
export type DirectoryWatch = Disposable & {
  /** Watches these and no others; `true` if one of them was not watched before. */
  retarget(targets: readonly WatchTarget[]): boolean;
  /** The system refused to watch something: look by yourself more often. */
  readonly deaf: boolean;
};

export function watchDirectories(changed: () => void): DirectoryWatch {
  const watchers = new Map<string, FSWatcher>();
  let deaf = false;

  /** Whether the system agreed to tell us. */
  function open(key: string, target: WatchTarget): boolean {
    try {
      const watcher = watch(target.path, (event, name) => {
        if (concerns(target, event, name)) changed();
      });
      watcher.on('error', () => {
        watchers.delete(key);
        watcher.close();
        changed();
      });
      watchers.set(key, watcher);
      return true;
    } catch {
      // The directory is gone again, or the system has no more watches to give.
      return false;
    }
  }

  return {
    get deaf() {
      return deaf;
    },

    retarget(targets) {
      const wanted = new Map(targets.map((target) => [keyOf(target), target]));
      for (const [key, watcher] of watchers) {
        if (wanted.has(key)) continue;
        watchers.delete(key);
        watcher.close();
      }
      let added = false;
      deaf = false;
      for (const [key, target] of wanted) {
        if (watchers.has(key)) continue;
        if (open(key, target)) added = true;
        else deaf = true;
      }
      return added;
    },

    [Symbol.dispose]() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

function keyOf({ path, id, only }: WatchTarget): string {
  return `${id} ${path} ${only ?? ''}`;
}

/** A log file that grows beside the manifests must not keep us busy. */
function concerns({ only }: WatchTarget, event: string, name: string | null): boolean {
  if (only !== null) return name === null || name === only;
  return event === 'rename' || name === null || isManifest(name);
}
