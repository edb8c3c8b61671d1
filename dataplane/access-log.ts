import { destination } from 'pino';
import type { Cell } from '../runtime/count.ts';
import { flushed } from '../runtime/log.ts';

/** Where access-log lines go, apart from the application's log. A slow reader loses lines, counted; it delays nobody. */
export type AccessLogFile = AsyncDisposable & { write(lines: string): void };

const maxBufferedBytes = 4 * 1024 * 1024;

/** `-` is standard output; anything else a file, appended to. */
export function openAccessLog(path: string, dropped: Cell): AccessLogFile {
  const out = destination({
    dest: path === '-' ? 1 : path,
    append: true,
    mkdir: true,
    sync: false,
    maxLength: maxBufferedBytes,
    // Lines carry what clients asked for: for the owner's eyes.
    mode: 0o600,
  });
  out.on('drop', (lines: string) => dropped.add(lines.split('\n').length - 1));
  out.on('error', () => undefined); // a closed standard output must not end the process
  return {
    write: (lines) => void out.write(lines),
    async [Symbol.asyncDispose]() {
      await flushed(out);
      if (path !== '-') out.end();
    },
  };
}
