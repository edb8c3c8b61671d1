import { setImmediate } from 'node:timers/promises';

/** About a millisecond. */
const stepsPerTurn = 16_384;
/** What comes faster than it is done would pile up. */
const maxWaiting = 256;

/**
 * Work that nobody waits for: one task after the other, and only a little of it in each turn of the
 * event loop, which is for the clients.
 */
export class BackgroundWork {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #stepsInTurn = 0;

  /** Whether it will be done: there may be too much to do. */
  add(task: () => Promise<void>): boolean {
    if (this.#waiting === maxWaiting) return false;
    this.#waiting++;
    this.#last = this.#last.then(() => {
      this.#waiting--;
      return task();
    });
    return true;
  }

  /** A task has done so many steps: it goes on in this turn or, when that was enough, in a later one. */
  async did(steps: number): Promise<void> {
    this.#stepsInTurn += steps;
    if (this.#stepsInTurn < stepsPerTurn) return;
    this.#stepsInTurn = 0;
    await setImmediate();
  }
}

/** That of this thread. */
export const backgroundWork: BackgroundWork = new BackgroundWork();
