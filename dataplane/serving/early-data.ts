import type { Socket } from 'node:net';

/** A client that sends more before it has its answer waits. */
const maxBytes = 64 * 1024;

/**
 * Keeps what a client sends before its tunnel is there. It is read all the while: whoever does not
 * read does not notice that the other side has gone.
 */
export class EarlyData {
  readonly #socket: Socket;
  readonly #left: () => void;
  readonly #chunks: Uint8Array[] = [];
  bytes = 0;

  /** `left`: the client is gone before anything could be sent for it. */
  constructor(socket: Socket, first: Uint8Array, left: () => void) {
    this.#socket = socket;
    this.#left = left;
    this.#keep(first);
  }

  start(): void {
    this.#socket.on('close', this.#left);
    this.#socket.on('data', this.#onData);
    this.#socket.on('end', this.#onEnd);
    this.#socket.resume();
  }

  /** From here on somebody else listens. */
  stop(): void {
    this.#socket.removeListener('close', this.#left);
    this.#socket.removeListener('data', this.#onData);
    this.#socket.removeListener('end', this.#onEnd);
  }

  sendTo(upstream: Socket): void {
    for (const chunk of this.#chunks.splice(0)) upstream.write(chunk);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#keep(chunk);
    if (this.bytes >= maxBytes) this.#socket.pause();
  };

  /** Half a connection through which nothing was sent is of no use: the client has hung up. */
  readonly #onEnd = (): void => {
    if (this.bytes === 0) this.#socket.destroy();
  };

  #keep(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }
}
