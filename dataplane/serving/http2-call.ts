import { STATUS_CODES } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { type ErrorCode, ProxyError } from '../../contracts/errors.ts';
import type { RawFields } from '../protocols/http-fields.ts';
import { http2RequestHead, withoutPseudoFields } from '../protocols/http2-fields.ts';
import { watchEnd } from './http2-end.ts';

/** Node resets with CANCEL what it destroys for it. */
const cancelled = AbortSignal.abort();

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = constants;

export type CallWatch = {
  /** Called once, when it counts no more among those under way. */
  readonly closed: () => void;
  /** It is given up without an answer. */
  readonly unanswered: () => void;
};

/**
 * One request over HTTP/2 and its answer, told to its handler as undici tells those of HTTP/1: in
 * this order, and nothing after the end, a failure or {@link abort}.
 */
export class Http2Call implements Dispatcher.DispatchController {
  readonly version = '2';
  /** Of the answer, while its start is told; of its trailers, while its end is. */
  rawHeaders: string[] = [];
  rawTrailers: string[] = [];
  /** The head is all of the answer. */
  endsWithHead = false;
  aborted = false;
  paused = false;
  reason: Error | null = null;
  readonly #scheme: string;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: Dispatcher.DispatchHandler;
  #stream: ClientHttp2Stream | null = null;
  #unanswered = (): void => undefined;
  #answered = false;
  #isWhole = (): boolean => false;
  /** What is still to come of the body, by its Content-Length; NaN: it has none. */
  #left = Number.NaN;
  #over = false;

  constructor(
    scheme: string,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ) {
    this.#scheme = scheme;
    this.#options = options;
    this.#handler = handler;
  }

  start(session: ClientHttp2Session, { closed, unanswered }: CallWatch): void {
    this.#unanswered = unanswered;
    this.#handler.onRequestStart?.(this, null);
    if (this.#over) return closed();
    const { method, path, headers, body } = this.#options;
    const hasBody = body !== null && body !== undefined;
    const head = http2RequestHead(method, path, this.#scheme, headers as RawFields);
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(head, { endStream: !hasBody });
    } catch (cause) {
      const message = 'the request cannot be written as HTTP/2';
      const error = new ProxyError(message, { code: 'http_request_error', cause });
      closed();
      return process.nextTick(() => this.fail(error)); // whoever dispatches it expects no answer yet
    }
    this.#stream = stream;
    this.#isWhole = watchEnd(stream);
    stream.on('headers', this.#head);
    stream.on('response', this.#head);
    stream.on('trailers', (_trailers: unknown, _flags: number, raw: string[]) => {
      this.rawTrailers = withoutPseudoFields(raw);
    });
    stream.on('end', this.#end);
    stream.on('error', (error) => this.fail(failureOf(error, stream.rstCode)));
    stream.once('close', () => {
      closed();
      this.fail(failureOf(new Error('closed'), stream.rstCode));
    });
    if (hasBody) send(body as Buffer | Readable, stream);
  }

  abort(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.aborted = true;
    this.reason = reason;
    if (!this.#answered) this.#unanswered();
    this.#cancel();
  }

  pause(): void {
    this.paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#stream?.resume();
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    this.#handler.onResponseError?.(this, error);
  }

  /** By an error: `close` would send the end of the body before the reset. */
  #cancel(): void {
    if (this.#stream !== null) addAbortSignal(cancelled, this.#stream);
  }

  readonly #head = (headers: IncomingHttpHeaders, flags: number, raw: string[]): void => {
    if (this.#over) return;
    const status = Number(headers[':status']);
    this.#answered ||= status >= 200;
    this.rawHeaders = withoutPseudoFields(raw);
    this.#left = Number(headers['content-length'] ?? Number.NaN);
    this.endsWithHead = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    try {
      this.#handler.onResponseStart?.(this, status, headers, STATUS_CODES[status] ?? '');
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    if (status >= 200) this.#stream?.on('data', this.#data);
  };

  readonly #data = (chunk: Buffer): void => {
    if (this.#over) return;
    this.#left -= chunk.length;
    this.#handler.onResponseData?.(this, chunk);
  };

  readonly #end = (): void => {
    if (this.#over) return;
    if (!this.#answered) return this.fail(hungUp(null));
    // A reset without an error ends an answer only if that says so itself (RFC 9113 §8.1).
    if (!this.#isWhole() && this.#left !== 0) {
      return this.fail(reset('http_response_incomplete', 'NO_ERROR'));
    }
    this.#over = true;
    // What is left of the request is for nobody: it would keep the stream open.
    if (this.#stream?.writableEnded === false) this.#cancel();
    this.#handler.onResponseEnd?.(this, {});
  };
}

/** At the pace of the stream; what comes when that is closed is for nobody. */
function send(body: Buffer | Readable, stream: ClientHttp2Stream): void {
  if (Buffer.isBuffer(body)) return void stream.end(body);
  const onData = (chunk: Buffer) => {
    // What is written to a stream that was reset would end what is still to be read of it.
    if (stream.writable && !stream.write(chunk)) body.pause();
  };
  const onEnd = () => stream.end();
  const onError = () => void addAbortSignal(cancelled, stream);
  body.on('data', onData);
  body.on('end', onEnd);
  body.on('error', onError);
  stream.on('drain', () => body.resume());
  stream.once('close', () => {
    body.off('data', onData);
    body.off('end', onEnd);
    body.off('error', onError);
    body.pause();
  });
}

/** Of a stream, in the words of `upstreamFailure`. */
function failureOf(error: NodeJS.ErrnoException, rstCode: number): Error {
  if (error.code === 'ERR_HTTP2_ERROR') {
    return new ProxyError('the origin does not speak HTTP/2 as it should', {
      code: 'http_protocol_error',
      cause: error,
    });
  }
  const isOfStream = error.code === 'ERR_HTTP2_STREAM_ERROR' && rstCode !== NGHTTP2_REFUSED_STREAM;
  if (isOfStream) {
    const code = protocolErrors.has(rstCode) ? 'http_protocol_error' : 'connection_terminated';
    return reset(code, nameOf(rstCode));
  }
  return hungUp(error);
}

function hungUp(cause: unknown): Error {
  return Object.assign(new Error('hung up', { cause }), { code: 'ECONNRESET' });
}

function reset(code: ErrorCode, name: string): ProxyError {
  return new ProxyError(`the origin reset the stream: ${name}`, { code });
}

const protocolErrors: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
]);

const codeNames = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT'],
  ...['STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR'],
  ...['CONNECT_ERROR', 'ENHANCE_YOUR_CALM', 'INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'],
];

/** RFC 9113 §7 */
function nameOf(code: number): string {
  return codeNames[code] ?? `error ${code}`;
}
