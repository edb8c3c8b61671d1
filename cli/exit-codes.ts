/** What a process of ours ends with. Scripts rely on it: numbers are never reused. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done' },
  refused: {
    code: 1,
    meaning: 'the input is invalid or was refused, or what was asked for does not exist',
  },
  usage: { code: 2, meaning: 'the command line is wrong' },
  taken: {
    code: 3,
    meaning: 'another process holds the data directory, the log or the admin address',
  },
  unreachable: {
    code: 4,
    meaning: 'the event log or the cluster cannot be reached, or not read or written (a full disk)',
  },
  replaced: { code: 5, meaning: 'another process took over as the leader of the log' },
  bug: { code: 70, meaning: 'a bug of ours; the log on standard error has the stack' },
  interrupted: { code: 130, meaning: 'interrupted again while draining (SIGINT)' },
} as const;

export type ExitName = keyof typeof exitCodes;

/** Ends the command: the message goes to standard error, the code to the shell. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.exit = exit;
  }
}

export function exitCodesHelp(): string {
  const lines = Object.values(exitCodes).map(
    ({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`,
  );
  return `Exit codes:\n${lines.join('\n')}`;
}
