import { type LoopDelay, watchLoopDelay } from './loop-delay.ts';

/** What an engine cannot know from values: tests choose it. */
export type Circumstances = {
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  /** The thread has been late since it was last asked; asked once a second. */
  loopBusy(nowMs: number): boolean;
  close(): void;
};

export function realCircumstances(): Circumstances {
  let loop: LoopDelay | null = null; // not before somebody asks: it costs a little all the time
  return {
    // biome-ignore lint/nursery/noJsRestrictedProperties: this is where all others get it from
    nowMs: Date.now,
    // biome-ignore lint/nursery/noJsRestrictedProperties: this is where all others get it from
    random: Math.random,
    loopBusy(nowMs) {
      loop ??= watchLoopDelay();
      return loop.busy(nowMs);
    },
    close: () => loop?.close(),
  };
}
