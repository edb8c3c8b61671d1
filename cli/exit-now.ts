import { dlopen } from 'node:ffi';

/**
 * Ends the process without waiting for anything. `process.exit` joins the threads that do file work,
 * and one that writes to a pipe nobody reads never comes back (measured); nor does pino's last flush.
 */
export function exitNow(code: number): never {
  const { functions } = dlopen(null, { _exit: { arguments: ['i32'], return: 'void' } });
  functions._exit(code);
  throw new Error('unreachable');
}
