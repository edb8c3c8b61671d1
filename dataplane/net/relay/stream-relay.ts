import type { Socket } from 'node:net';
import type { Relay, RelayEnd, RelayEnded, StartRelay } from './relay.ts';

/** The relay that works everywhere: Node streams, one write per chunk, paused when the other side is slow. */
export const startStreamRelay: StartRelay = (client, upstream, ended) =>
  new StreamRelay(client, upstream, ended);

class StreamRelay implements Relay {
  readonly name = 'stream';
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #ended: RelayEnded;
  readonly #clientStart: number;
  readonly #upstreamStart: number;
  #finished: RelayEnd | null = null;
  #open = 2;
  #clientFin = false;
  #upstreamFin = false;

  constructor(client: Socket, upstream: Socket, ended: RelayEnded) {
    this.#client = client;
    this.#upstream = upstream;
    this.#ended = ended;
    this.#clientStart = client.bytesRead - client.readableLength;
    this.#upstreamStart = upstream.bytesRead - upstream.readableLength;
    this.#copy(client, upstream, 'client_reset');
    this.#copy(upstream, client, 'upstream_reset');
  }

  #copy(from: Socket, to: Socket, ifReset: RelayEnd): void {
    from.on('data', (chunk: Buffer) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => from.resume());
    const onEnd = () => {
      if (from === this.#client) this.#clientFin = true;
      else this.#upstreamFin = true;
      to.end();
    };
    if (from.readableEnded) onEnd();
    else from.on('end', onEnd);
    from.on('error', () => this.#finish(ifReset));
    from.on('close', () => {
      this.#open--;
      if (this.#open === 0) this.#finish('done');
      // Closed without a FIN of its own, and not by us: what is still on its way cannot arrive.
      else if (!from.readableEnded) this.#finish(ifReset);
    });
    from.resume();
  }

  /** After a reset the other side still gets what was already read from this one, then a close. */
  #finish(reason: RelayEnd): void {
    if (this.#finished !== null) return;
    this.#finished = reason;
    for (const socket of [this.#client, this.#upstream]) {
      if (reason === 'cut') socket.destroy();
      else if (!socket.destroyed) socket.destroySoon();
    }
    this.#ended(reason);
  }

  bytes() {
    return {
      received: this.#client.bytesRead - this.#clientStart,
      sent: this.#upstream.bytesRead - this.#upstreamStart,
    };
  }

  halfClosed() {
    return this.#clientFin !== this.#upstreamFin;
  }

  cut() {
    this.#finish('cut');
    this.#client.destroy();
    this.#upstream.destroy();
  }
}
