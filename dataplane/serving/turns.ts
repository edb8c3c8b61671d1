/**
 * The requests of one connection, one after the other: answers go out in order, requests that are
 * not safe reach their origins in order (RFC 9112 §9.3.2), and a client that sends a thousand at
 * once gets no more of us than one that waits.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #busy = false;
  #last = false;

  /** Whether it is somebody's turn. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Whether somebody waits for the one whose turn it is. */
  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** How many do. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Runs `serve` now, or when everything before it is done. */
  take(serve: () => void): void {
    if (this.#last) return;
    if (this.#busy) {
      this.#waiting.push(serve);
    } else {
      this.#busy = true;
      serve();
    }
  }

  /** The same, and nothing is taken after it. */
  takeLast(serve: () => void): void {
    this.take(serve);
    this.#last = true;
  }

  /** The one whose turn it was is done; `false`: nobody waits. */
  next(): boolean {
    const serve = this.#waiting.shift();
    this.#busy = serve !== undefined;
    serve?.();
    return serve !== undefined;
  }
}
