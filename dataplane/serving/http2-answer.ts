import { constants, type ServerHttp2Stream } from 'node:http2';
import { endToEndFields, type RawFields } from '../protocols/http-fields.ts';
import { http2AnswerHead } from '../protocols/http2-fields.ts';
import type { ClientAnswer, HeadFacts } from './client-message.ts';

const { NGHTTP2_NO_ERROR } = constants;

/** An answer over HTTP/2: one stream of many, so that nothing here is about the connection. */
export class Http2Answer implements ClientAnswer {
  readonly #stream: ServerHttp2Stream;
  #status = 0;
  #last = false;
  #ended = false;
  #trailers: RawFields = [];
  #awaitsTrailers = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  get headSent(): boolean {
    return this.#stream.headersSent;
  }

  get status(): number {
    return this.#status;
  }

  get whole(): boolean {
    // A stream that closes with its last byte never gets to say that it has finished.
    const { writableLength, rstCode } = this.#stream;
    return this.#ended && writableLength === 0 && rstCode === NGHTTP2_NO_ERROR;
  }

  /** What was written stays in the stream until the windows let it out. */
  get moved(): number {
    return -this.#stream.writableLength;
  }

  /** Node throws on heads for it. */
  get #gone(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  onceClosed(callback: () => void): void {
    this.#stream.once('close', callback);
  }

  onceDrained(callback: () => void): void {
    this.#stream.once('drain', callback);
  }

  continue(): void {
    if (!this.#gone) this.#stream.additionalHeaders({ ':status': 100 });
  }

  inform(status: number, fields: RawFields): void {
    // 101 is not for HTTP/2 (RFC 9113 §8.1); those a client does not read are not kept for it.
    if (status === 101 || this.#gone || this.#stream.writableNeedDrain) return;
    this.#stream.additionalHeaders({ ':status': status, ...fieldLists(endToEndFields(fields)) });
  }

  head(status: number, _reason: string, fields: string[], { last, after }: HeadFacts): void {
    const stream = this.#stream;
    this.#status = status;
    this.#last = last;
    if (this.#gone) return;
    const waitForTrailers = after === 'body and trailers';
    const endStream = after === 'nothing';
    stream.respond(http2AnswerHead(status, fields), { endStream, waitForTrailers });
    // Node has ended it already if it may have no body.
    if (!stream.writable) return this.#dismissRest();
    this.#awaitsTrailers = waitForTrailers;
    if (waitForTrailers) stream.once('wantTrailers', () => this.#sendTrailers());
  }

  /** Heads are never held back. */
  flushHead(): void {}

  write(chunk: Buffer): boolean {
    return !this.#stream.writable || this.#stream.write(chunk);
  }

  end(body?: string, trailers: RawFields = []): void {
    this.#ended = true;
    this.#trailers = trailers;
    if (!this.#stream.writable) return;
    if (body === undefined) this.#stream.end();
    else this.#stream.end(body);
    this.#dismissRest();
  }

  #sendTrailers(): void {
    if (this.#gone) return;
    try {
      this.#stream.sendTrailers(fieldLists(this.#trailers));
    } catch {
      return this.breakOff(); // thrown on, it would end the thread
    }
    if (this.#last) setImmediate(() => this.#stream.close(NGHTTP2_NO_ERROR)); // Node sends them in one
  }

  /** The client may stop sending what nobody reads: it has its answer (RFC 9113 §8.1). */
  #dismissRest(): void {
    const stream = this.#stream;
    if (!this.#last) stream.resume();
    else if (!this.#awaitsTrailers) stream.once('finish', () => stream.close(NGHTTP2_NO_ERROR));
  }

  /** By an error: `close` would send the end of the body before the reset. */
  breakOff(): void {
    this.#stream.destroy(new Error('the answer is not whole'));
  }

  cut(): void {
    this.#stream.destroy(new Error('its time is up'));
  }

  /** Streams tell by themselves. */
  drained(): void {}
}

function fieldLists(fields: RawFields): Record<string, string[]> {
  const lists: Record<string, string[]> = Object.create(null);
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    lists[name] ??= [];
    lists[name].push(fields[at + 1] ?? '');
  }
  return lists;
}
