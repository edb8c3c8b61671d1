import type { ErrorCode } from '../../contracts/errors.ts';

/** Field names and values in turn, as received: `IncomingMessage.rawHeaders`. */
export type RawFields = readonly string[];

/** Fields of one hop (RFC 9110 §7.6.1), never forwarded in either direction. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings', // RFC 7540 §3.2.1; Node throws on it
  'proxy-authorization',
  'proxy-authenticate',
  'proxy-authentication-info',
]);

/** Fields that frame or route a message: a Connection header that names one would remove it. */
const neverOptions: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'transfer-encoding',
  'via',
]);

/** What is wrong with a request head before anyone looks at its target; `null`: nothing. */
export type HeadProblem = {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly status?: number;
};

export type HeadLimits = {
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly targetBytes: number;
};

export type RequestHead = {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly fields: RawFields;
};

const spoken: ReadonlySet<string> = new Set(['2', '1.1', '1.0']);

/**
 * The checks Node's parser leaves to us (research §0.2–4, RFC 9112 §2.3, §3.2, §6.1, RFC 9110 §7.6.1).
 */
export function findHeadProblem(head: RequestHead, limits: HeadLimits): HeadProblem | null {
  const { target, httpVersion } = head;
  if (!spoken.has(httpVersion)) {
    return httpVersion === '0.9'
      ? { code: 'http_request_error', problem: 'the request line has no HTTP version' }
      : { code: 'version_unsupported', problem: `HTTP/${httpVersion} is not spoken here` };
  }
  if (target.length > limits.targetBytes) {
    return {
      code: 'request_target_too_long',
      problem: `the request target is longer than spec.limits.targetBytes (${limits.targetBytes})`,
    };
  }
  return findSizeProblem(head, limits) ?? findFieldProblem(head);
}

function findSizeProblem(
  { method, target, fields }: RequestHead,
  limits: HeadLimits,
): HeadProblem | null {
  const count = fields.length / 2;
  if (count > limits.headerCount) {
    return {
      code: 'request_headers_too_large',
      problem: `${count} header fields are more than spec.limits.headerCount (${limits.headerCount})`,
    };
  }
  let bytes = method.length + target.length + 12;
  for (const part of fields) bytes += part.length + 2;
  return bytes <= limits.headerBytes
    ? null
    : {
        code: 'request_headers_too_large',
        problem: `the header section is larger than spec.limits.headerBytes (${limits.headerBytes})`,
      };
}

type Message = { readonly method: string; readonly httpVersion: string };
type FieldCheck = (value: string, message: Message) => HeadProblem | null;

const bad = (problem: string): HeadProblem => ({ code: 'http_request_error', problem });

/** Fields whose value decides how the message is framed or routed. */
const fieldChecks: ReadonlyMap<string, FieldCheck> = new Map<string, FieldCheck>([
  ['host', (value) => (/^[^\s/?#@\\]+$/.test(value) ? null : bad('the Host header is not a host'))],
  [
    'transfer-encoding',
    (value, { method, httpVersion }) => {
      if (httpVersion === '1.0') return bad('Transfer-Encoding in an HTTP/1.0 request');
      if (method === 'CONNECT') return bad('a CONNECT request has no body');
      const coding = value.trim().toLowerCase();
      if (coding === 'chunked') return null;
      // Without chunked at the end nobody can tell where the body ends (RFC 9112 §6.3).
      if (!/[,\s]chunked$/.test(coding)) return bad('Transfer-Encoding does not end in chunked');
      const problem = 'only the chunked transfer coding is supported';
      return { code: 'transfer_coding_unsupported', problem };
    },
  ],
  [
    'content-length',
    (value, { method }) => {
      if (method === 'CONNECT' && !/^0+$/.test(value)) return bad('a CONNECT request has no body');
      return Number.isSafeInteger(Number(value)) ? null : bad('Content-Length is too large');
    },
  ],
  [
    'connection',
    (value) => {
      const named = optionsOf(value).find((option) => neverOptions.has(option));
      return named === undefined ? null : bad(`a Connection header names ${named}`);
    },
  ],
]);

function findFieldProblem({ method, httpVersion, fields }: RequestHead): HeadProblem | null {
  let hosts = 0;
  let credentials = 0;
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    if (name === 'host') hosts++;
    if (name === 'proxy-authorization') credentials++;
    const problem = fieldChecks.get(name)?.(fields[at + 1] ?? '', { method, httpVersion });
    if (problem !== undefined && problem !== null) return problem;
  }
  if (hosts > 1) return bad('more than one Host header');
  if (credentials > 1) return bad('more than one Proxy-Authorization header');
  return hosts === 0 && httpVersion !== '1.0' ? bad('no Host header') : null;
}

function optionsOf(value: string): readonly string[] {
  return value
    .split(',')
    .map((option) => option.trim().toLowerCase())
    .filter((option) => option !== '');
}

const noOptions: ReadonlySet<string> = new Set();

/** The fields a Connection header names, lower case: they belong to this hop too. */
export function connectionOptions(fields: RawFields): ReadonlySet<string> {
  let options: Set<string> | null = null;
  for (let at = 0; at < fields.length; at += 2) {
    if ((fields[at] ?? '').toLowerCase() !== 'connection') continue;
    options ??= new Set();
    for (const option of optionsOf(fields[at + 1] ?? '')) options.add(option);
  }
  return options ?? noOptions;
}

/**
 * Fields that go on to the next hop: order, case and repetition kept, hop-by-hop fields and `also`
 * (lower case) left out.
 */
export function endToEndFields(fields: RawFields, also: ReadonlySet<string> = noOptions): string[] {
  const options = connectionOptions(fields);
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || also.has(lower)) continue;
    if (options.has(lower) && !neverOptions.has(lower)) continue;
    kept.push(name, fields[at + 1] ?? '');
  }
  return kept;
}

/** The value of the first field of that name (lower case), or `null`. */
export function fieldValue(fields: RawFields, name: string): string | null {
  for (let at = 0; at < fields.length; at += 2) {
    if ((fields[at] ?? '').toLowerCase() === name) return fields[at + 1] ?? '';
  }
  return null;
}

/** Whether one of the Via fields names this pseudonym (RFC 9110 §7.6.3). */
export function passedThrough(fields: RawFields, pseudonym: string): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if ((fields[at] ?? '').toLowerCase() !== 'via') continue;
    for (const hop of (fields[at + 1] ?? '').split(',')) {
      if (hop.trim().split(/\s+/)[1] === pseudonym) return true;
    }
  }
  return false;
}
