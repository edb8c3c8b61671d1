import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { RawFields } from '../protocols/http-fields.ts';
import type { Connection } from './connection.ts';

/** A request as its client sent it, whichever HTTP that speaks; read of it is its body. */
export type ClientRequest = Readable &
  Pick<
    IncomingMessage,
    'method' | 'url' | 'httpVersion' | 'rawHeaders' | 'headers' | 'complete'
  > & {
    /** So much of its body has come so far, whoever reads it. */
    readonly bodyBytes: number;
    /** Of chunks (HTTP/1): `tooMuch` is called while their framing outweighs them. */
    watchFraming?(tooMuch: () => void): void;
  };

/** What the Expect field of a request says. */
export type Expectation = 'none' | 'continue' | 'unknown';

export type ClientMessage = {
  readonly connection: Connection;
  readonly request: ClientRequest;
  readonly answer: ClientAnswer;
  readonly expect: Expectation;
};

export type HeadFacts = {
  /** Nothing more of this request, and over HTTP/1 of its connection, is read. */
  readonly last: boolean;
  readonly after: 'nothing' | 'body' | 'body and trailers';
};

/** Where the answer to one request goes, whichever HTTP its client speaks. */
export type ClientAnswer = {
  readonly headSent: boolean;
  /** Of the head that was sent. */
  readonly status: number;
  /** Whether the client got everything there was; known once it is closed. */
  readonly whole: boolean;
  /** Grows, or shrinks, while bytes still move to or from the client. */
  readonly moved: number;
  onceClosed(callback: () => void): void;
  onceDrained(callback: () => void): void;
  /** 100 */
  continue(): void;
  /** Another 1xx. */
  inform(status: number, fields: RawFields): void;
  head(status: number, reason: string, fields: string[], facts: HeadFacts): void;
  /** The head goes out, though no body follows yet. */
  flushHead(): void;
  /** `false`: no more before the client has taken some. */
  write(chunk: Buffer): boolean;
  /** Of the trailers HTTP/1 says nothing. */
  end(body?: string, trailers?: RawFields): void;
  /** The client must not take what it has for whole. */
  breakOff(): void;
  /** Its time is up. */
  cut(): void;
  /** The connection can take more, which Node does not tell. */
  drained(): void;
};
