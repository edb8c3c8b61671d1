import { setTimeout } from 'node:timers/promises';
import type { LogLevel } from '../contracts/log-level.ts';
import { SettingWrong } from './environment.ts';
import { createLog, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The log of this process; lines that nobody read in time are counted. */
export function createProcessLog(level: LogLevel, metrics: Metrics): Log {
  const dropped = metrics.meter().cell('headgate_log_dropped_total', {});
  return createLog({ level, onDropped: (lines) => dropped.add(lines) });
}

/** A bug must end the process, not leave it hanging half alive: whoever runs it starts another. */
export function endByBug(log: Log): void {
  const end = (error: unknown): void => {
    log.error('internal error', { error });
    void log.flush().finally(() => process.exit(1));
  };
  process.on('uncaughtException', end).on('unhandledRejection', end);
}

/** When everything is closed and something still holds the process, it is told to go. */
const lingerMs = 5000;

/** The whole life of a process in a cluster; what keeps it from starting is logged, and ends it with 1. */
export async function runProcess(live: () => Promise<void>): Promise<void> {
  try {
    await live();
  } catch (error) {
    const log = createLog();
    const isOurs = error instanceof SettingWrong;
    log.error(isOurs ? error.message : 'cannot start', isOurs ? {} : { error });
    await log.flush();
    process.exitCode = 1;
  }
  setTimeout(lingerMs, null, { ref: false }).then(() => process.exit());
}
