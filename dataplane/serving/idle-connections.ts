import type { IdleBoard } from '../limits/idle-board.ts';
import type { Connection } from './connection.ts';

/** Kept connections without a request, the longest idle first; the other threads know since when that is. */
export class IdleConnections {
  readonly #connections = new Set<Connection>();
  readonly #board: IdleBoard;

  constructor(board: IdleBoard) {
    this.#board = board;
  }

  add(connection: Connection): void {
    this.#connections.add(connection);
    if (this.#connections.size === 1) this.#board.post(connection.sinceMs);
  }

  delete(connection: Connection): void {
    const wasOldest = this.oldest() === connection;
    this.#connections.delete(connection);
    if (wasOldest) this.#board.post(this.oldest()?.sinceMs ?? null);
  }

  oldest(): Connection | null {
    const [oldest = null] = this.#connections;
    return oldest;
  }
}
