import type { Acknowledgement } from '../contracts/acknowledgement.ts';

/** The last word of every pod. Not part of history: kept in memory, forgotten after 30 s of silence. */
export type Acknowledgements = {
  /** Throws `LogUnavailable`; the next heartbeat says it again. */
  send(acknowledgement: Acknowledgement): Promise<void>;
  /**
   * The newest acknowledgement of each pod, then each new one as it arrives. Liveness is judged by
   * the reader's own clock at arrival. Survives reconnects by starting over. Ends with `signal`.
   */
  watch(signal: AbortSignal): AsyncIterable<Acknowledgement>;
  /** The newest acknowledgement of each pod that spoke lately, once. Throws `LogUnavailable`. */
  latest(signal: AbortSignal): Promise<readonly Acknowledgement[]>;
};

export const forgetAfterMs = 30_000;
