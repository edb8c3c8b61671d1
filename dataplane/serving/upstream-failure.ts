import { type ErrorCode, ProxyError } from '../../contracts/errors.ts';
import { codeOf } from '../net/dial.ts';
import { tlsCodeOf } from '../net/tls-failure.ts';

/** What went wrong between us and an origin, in our words. */
export type UpstreamFailure = {
  readonly code: ErrorCode;
  readonly message: string;
  /** A kept connection died before it answered: nothing says the origin saw the request. */
  readonly deadKept: boolean;
};

const failures: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  [
    'UND_ERR_HEADERS_OVERFLOW',
    ['http_response_header_section_size', 'the header section of the answer is too large'],
  ],
  [
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ['http_protocol_error', 'the answer is not as long as it says'],
  ],
  ['UND_ERR_INVALID_ARG', ['http_request_error', 'the request cannot be written as HTTP']],
  ['UND_ERR_NOT_SUPPORTED', ['http_request_error', 'the request cannot be written as HTTP']],
  [
    'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
    ['http_request_error', 'the request body is not as long as it says'],
  ],
] as const);

/** undici's errors and Node's. The message names no internals: it goes to the client. */
export function upstreamFailure(error: Error & { readonly code?: string }): UpstreamFailure {
  if (error instanceof ProxyError) {
    return { code: error.code, message: error.message, deadKept: false };
  }
  const { code = '' } = error;
  const known = failures.get(code);
  if (known !== undefined) return { code: known[0], message: known[1], deadKept: false };
  if (code === 'UND_ERR_SOCKET' && error.message !== 'other side closed') {
    return {
      code: 'http_protocol_error',
      message: 'the answer is not HTTP as it should be',
      deadKept: false,
    };
  }
  if (
    error.name === 'HTTPParserError' ||
    code.startsWith('HPE_') ||
    error.name === 'AssertionError' ||
    code === 'ERR_ASSERTION'
  ) {
    return {
      code: 'http_protocol_error',
      message: 'the answer is not HTTP as it should be',
      deadKept: false,
    };
  }
  const ofTls = tlsCodeOf(error);
  if (ofTls !== null) return { code: ofTls, message: 'TLS failed', deadKept: false };
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    return { code: 'connection_terminated', message: 'the origin hung up', deadKept: true };
  }
  return { code: codeOf(error), message: 'the connection to the origin failed', deadKept: false };
}
