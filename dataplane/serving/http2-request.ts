import type { ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import type { RawFields } from '../protocols/http-fields.ts';
import { readHttp2Head } from '../protocols/http2-fields.ts';
import type { ClientRequest } from './client-message.ts';
import { watchEnd } from './http2-end.ts';

/** A request over HTTP/2, as if it had come over HTTP/1.1; its body is read from the stream. */
export class Http2Request extends Readable implements ClientRequest {
  readonly httpVersion = '2';
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly headers: ClientRequest['headers'];
  complete = false;
  bodyBytes = 0;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, received: RawFields) {
    super();
    this.#stream = stream;
    const { method, target, fields, expect, length } = readHttp2Head(received);
    this.method = method;
    this.url = target;
    this.rawHeaders = fields;
    this.headers = framing(stream, expect, length);
    stream.pause();
    stream.on('data', (chunk: Buffer) => {
      this.bodyBytes += chunk.length;
      if (!this.push(chunk)) stream.pause();
    });
    const isWhole = watchEnd(stream);
    stream.once('end', () => {
      if (isWhole()) this.#ended();
    });
    if (stream.endAfterHeaders) this.#ended();
  }

  override _read(): void {
    this.#stream.resume();
  }

  /** Nobody wants the rest; the answer may still be on its way. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.pause();
    done(error);
  }

  #ended(): void {
    if (this.complete) return;
    this.complete = true;
    this.push(null);
  }
}

/** How HTTP/1.1 would frame the same body. */
function framing(
  { endAfterHeaders }: ServerHttp2Stream,
  expect: string | null,
  length: string | null,
): ClientRequest['headers'] {
  const expected = expect === null ? {} : { expect };
  if (endAfterHeaders) return expected;
  return length === null
    ? { ...expected, 'transfer-encoding': 'chunked' }
    : { ...expected, 'content-length': length };
}
