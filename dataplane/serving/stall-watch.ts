/** Notices when nothing moves: asked once a second, so that no byte pays for it. */
export class StallWatch {
  #phase = '';
  #progress = -1;
  #sinceMs = 0;

  /** For how long neither the phase nor the count has changed. */
  stalledMs(phase: string, progress: number, nowMs: number): number {
    if (phase !== this.#phase || progress !== this.#progress) {
      this.#phase = phase;
      this.#progress = progress;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs;
  }
}
