/** Collects lines and hands them over in batches: one message between threads per batch, not per line. */
export type AccessLogBatch = { add(line: string): void; flush(): void };

const batchBytes = 16 * 1024;
const batchMs = 50;

export function createAccessLog(send: (lines: string) => void): AccessLogBatch {
  let lines = '';
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (lines !== '') send(lines);
    lines = '';
  }

  return {
    add(line) {
      lines += `${line}\n`;
      if (lines.length >= batchBytes) flush();
      else timer ??= setTimeout(flush, batchMs);
    },
    flush,
  };
}
