/** Nobody can tell now what something holds, or whether it is there: that is no reason to refuse who needs it. */
export class Untold extends Error {
  override readonly name = 'Untold';

  /** `what`: `Secret team-a/users` */
  constructor(what: string, { cause }: { readonly cause: unknown }) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    super(`${what} cannot be read now: ${problem}`, { cause });
  }
}
