/** Which version of what a user wrote an event speaks of. */
export type Decided = {
  readonly uid: string;
  readonly generation: number;
  /** Digest of the spec alone; the directory source counts generations by it. */
  readonly specDigest: string;
  /** Digest of everything decided from: uid, spec, references, port verdict, sealing key id, hold. */
  readonly inputs: string;
  /** Who wrote it: a field manager, or the file. `null` where unknown. */
  readonly cause: string | null;
};

/** Whether an event has the frame of a decision. */
export function isDecided({ generation, specDigest, inputs }: Record<string, unknown>): boolean {
  return (
    typeof generation === 'number' && typeof specDigest === 'string' && typeof inputs === 'string'
  );
}
