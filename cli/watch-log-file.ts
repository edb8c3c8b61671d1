import { stat } from 'node:fs/promises';

const lookMs = 2_000;

/**
 * Calls `gone` once when the log's file has been removed. SQLite goes on writing into a file without
 * a name: everything is served, nothing of it is there after a restart.
 */
export function watchLogFile(file: string, gone: () => void): Disposable {
  const timer = setInterval(() => {
    stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return;
      clearInterval(timer);
      gone();
    });
  }, lookMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
