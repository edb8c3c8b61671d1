import { performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { RawFields } from '../protocols/http-fields.ts';
import type { Expectation } from './client-message.ts';
import type { ClientServing } from './client-serving.ts';
import type { Connection } from './connection.ts';
import { Http2Answer } from './http2-answer.ts';
import {
  connectionWindowBytes,
  maxHeadBytes,
  maxPairs,
  maxSentHeadBytes,
  maxStreams,
  streamWindowBytes,
} from './http2-limits.ts';
import { Http2Request } from './http2-request.ts';
import { settle } from './keep-connection.ts';

/**
 * Whether a client speaks HTTP/2 without having asked (RFC 9113 §3.3, §3.4): no request begins like
 * that. Clients write the preface at once; one that comes in single bytes is not looked for.
 */
export function isHttp2Start(first: Buffer): boolean {
  return first.toString('latin1', 0, preface.length) === preface;
}

const preface = 'PRI * HTTP/2.0';

/**
 * Serves the requests of one connection, each as it comes (RFC 9113). A client that opens more at
 * once than it may is refused the stream, and may try it again. nghttp2 ends connections of
 * clients that reset streams faster than 33 a second (after the first 1,000), send more than a few
 * CONTINUATION frames for a head, or flood with PING or SETTINGS.
 */
export function serveHttp2(serving: ClientServing, connection: Connection): void {
  const session = performServerHandshake(connection.socket, {
    settings: {
      maxConcurrentStreams: maxStreams,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: maxHeadBytes,
      enablePush: false,
    },
    maxHeaderListPairs: maxPairs,
    maxSendHeaderBlockLength: maxSentHeadBytes,
    strictSingleValueFields: false, // of an answer that repeats one, HTTP/1 passes on each
  });
  session.setLocalWindowSize(connectionWindowBytes);
  session.on('error', () => undefined); // it ends itself, and its socket
  let open = 0;
  session.on('stream', (stream, _headers, _flags, fields: RawFields) => {
    stream.on('error', () => undefined); // its close tells
    // A client that has left may say that nothing is wrong: Node would then wait for the rest.
    stream.once('aborted', () => stream.destroy());
    stream.once('close', () => {
      if (--open === 0 && connection.state === 'active') settle(serving, connection);
    });
    if (open++ === 0) {
      serving.idle.delete(connection);
      connection.become('active');
    }
    begin(serving, connection, stream, fields);
  });
  connection.leave = () => session.close();
  settle(serving, connection);
}

function begin(
  serving: ClientServing,
  connection: Connection,
  stream: ServerHttp2Stream,
  fields: RawFields,
): void {
  const request = new Http2Request(stream, fields);
  const answer = new Http2Answer(stream);
  const { expect = '' } = request.headers;
  serving.exchange({ connection, request, answer, expect: expectation(expect) }).start();
}

function expectation(expect: string): Expectation {
  if (expect === '') return 'none';
  return expect.toLowerCase() === '100-continue' ? 'continue' : 'unknown';
}
