import { readFileSync } from 'node:fs';

/** Kept free for the log, upstream look-ups, files and whatever the runtime needs. */
const reserved = 256;
/** Client and upstream. */
const descriptorsPerConnection = 2;
const whereUnknown = 1024;

/** Connections this process can hold: at the limit of descriptors accepted sockets vanish silently. */
export function maxConnections(): number {
  return Math.max(16, Math.floor((openFilesLimit() - reserved) / descriptorsPerConnection));
}

/** RLIMIT_NOFILE as Linux shows it; Node has raised it as far as it may. */
function openFilesLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
    return soft === 'unlimited' ? 1_048_576 : Number(soft) || whereUnknown;
  } catch {
    return whereUnknown;
  }
}
