import { IncomingMessage } from 'node:http';
import type { ClientRequest } from './client-message.ts';

/** Chunk framing may not outweigh the body by more than this (chunk extensions are no free ride). */
const maxFramingBytes = 256 * 1024;
const framingPerBodyByte = 16;

/**
 * A request over HTTP/1 that counts its body. By its class, not by a function put on each request:
 * those outlive the young generation, which made collecting garbage the dearest part of a POST
 * (docs/benchmarks/mirror-route.md).
 */
export class Http1Request extends IncomingMessage implements ClientRequest {
  bodyBytes = 0;
  #tooMuchFraming: (() => void) | null = null;
  #bytesBefore = 0;

  watchFraming(tooMuch: () => void): void {
    this.#tooMuchFraming = tooMuch;
    this.#bytesBefore = this.socket.bytesRead;
  }

  /** Called by Node's parser with what it has read of the body. */
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk !== null) this.bodyBytes += chunk.length;
    if (this.#tooMuchFraming !== null) {
      const framing = this.socket.bytesRead - this.#bytesBefore - this.bodyBytes;
      if (framing > maxFramingBytes + framingPerBodyByte * this.bodyBytes) this.#tooMuchFraming();
    }
    return super.push(chunk, encoding);
  }
  /**
   * Nobody wants the rest; the answer may still be on its way. Node would end the connection, but for
   * undici, which keeps it from that where the class is Node's own.
   */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    done(this.listenerCount('error') === 0 ? null : error);
  }
}
