import { hostname } from 'node:os';
import { destination, type Logger, pino } from 'pino';
import type { LogLevel } from '../contracts/log-level.ts';

/** A JSON line each: `message` is constant, what varies is a field. Never give it a secret. */
export type Log = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Log;
  /** Resolves when what is buffered has been written, or nobody reads it; await it before the process ends. */
  flush(): Promise<void>;
};

export type LogFields = Readonly<Record<string, unknown>>;

/** Lines waiting for a slow reader; past this they are dropped and counted. */
const maxBufferedBytes = 4 * 1024 * 1024;

type LogOptions = {
  readonly level?: LogLevel;
  readonly fd?: number;
  /** Hears how many lines were lost. */
  readonly onDropped?: (lines: number) => void;
};

/** The process's own log, asynchronous so that a stalled reader delays nobody; standard error by default. */
export function createLog({
  level = 'info',
  fd = 2,
  onDropped = () => undefined,
}: LogOptions = {}): Log {
  const out = destination({
    fd,
    sync: false,
    minLength: 8192,
    maxLength: maxBufferedBytes,
    periodicFlush: 200,
  });
  out.on('drop', (lines: string) => onDropped(lines.split('\n').length - 1));
  out.on('error', () => undefined); // a closed standard error must not end the process
  const logger = pino(
    {
      level,
      base: { pid: process.pid, hostname: hostname() },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    out,
  );
  return wrap(logger, () => flushed(out));
}

/** Long enough for a reader that lives; one that stalls must not keep a process from ending. */
const flushMs = 1000;

/** Not `flushSync`: it would repeat what is being written at that moment. */
export async function flushed(out: { flush(done: (error?: Error) => void): void }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, flushMs);
  out.flush(() => resolve());
  await promise;
  clearTimeout(timer);
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
  flush: async () => undefined,
};

function wrap(logger: Logger, flush: () => Promise<void>): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => wrap(logger.child(fields), flush),
    flush,
  };
}
