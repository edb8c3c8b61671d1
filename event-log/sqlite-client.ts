import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StoredEntry } from './entry.ts';
import { EntryTooLarge, LogFull, LogInUse, LogUnavailable, NoLongerLeader } from './event-log.ts';
import type {
  Problem,
  SqliteMethod,
  SqliteStore,
  WorkerMessage,
  WorkerSettings,
} from './sqlite-worker.ts';

export type SqliteClient = AsyncDisposable & {
  readonly logId: string;
  call<M extends SqliteMethod>(
    method: M,
    ...args: Parameters<SqliteStore[M]>
  ): Promise<ReturnType<SqliteStore[M]>>;
};

type Pending = { resolve(result: never): void; reject(error: Error): void };

/** Starts the thread that owns the file. `onEnd` hears when it is gone, and why if nobody asked. */
export async function openSqliteClient(
  settings: WorkerSettings,
  onAppended: (entries: readonly StoredEntry[]) => void,
  onEnd: (error: Error | null) => void,
): Promise<SqliteClient> {
  const opened = Promise.withResolvers<string>();
  const pending = new Map<number, Pending>();
  let calls = 0;
  let end: Error | null = null;
  let closing: Promise<void> | null = null;

  // The file is called .js where the types have been erased beforehand.
  const file = new URL(`./sqlite-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(file, { workerData: settings });

  worker.on('message', (message: WorkerMessage) => {
    switch (message.type) {
      case 'opened':
        return opened.resolve(message.logId);
      case 'appended':
        return onAppended(message.entries);
      case 'answer':
        return take(message.call)?.resolve(answerOf(message));
      case 'failed':
        if (message.call === null) return opened.reject(toError(message.problem));
        return take(message.call)?.reject(toError(message.problem));
    }
  });
  worker.on('error', (cause) => {
    stop(new LogUnavailable('the thread of the log died', { cause }));
  });
  worker.on('exit', () => stop(new LogUnavailable('the log is closed')));

  function take(call: number): Pending | undefined {
    const one = pending.get(call);
    pending.delete(call);
    return one;
  }

  function stop(error: Error): void {
    if (end !== null) return;
    end = error;
    opened.reject(error);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    onEnd(closing === null ? error : null);
  }

  const logId = await opened.promise;

  const send: SqliteClient['call'] = (method, ...args) => {
    if (end !== null) return Promise.reject(end);
    return new Promise((resolve, reject) => {
      calls += 1;
      pending.set(calls, { resolve, reject });
      worker.postMessage({ call: calls, method, args });
    });
  };

  async function close(): Promise<void> {
    if (end !== null) return;
    const gone = once(worker, 'exit');
    // What was asked before is answered before: the thread takes requests in order.
    await send('close').catch(() => {});
    await gone;
  }

  return {
    logId,
    call: (method, ...args) =>
      closing === null
        ? send(method, ...args)
        : Promise.reject(new LogUnavailable('the log is closed')),
    [Symbol.asyncDispose]() {
      closing ??= close();
      return closing;
    },
  };
}

/** The thread answers what it was asked: `call` ties methods and results together. */
function answerOf({ result }: { readonly result: unknown }): never {
  return result as never;
}

function toError({ name, message }: Problem): Error {
  const classes = { EntryTooLarge, LogFull, LogInUse, LogUnavailable, NoLongerLeader };
  return Object.hasOwn(classes, name)
    ? new classes[name as keyof typeof classes](message)
    : new LogUnavailable(message);
}
