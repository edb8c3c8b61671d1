import type { RawFields } from './http-fields.ts';

/** The head of an HTTP/2 request in the words of HTTP/1.1. */
export type Http2Head = {
  readonly method: string;
  readonly target: string;
  /** With a Host; without pseudo-header fields. */
  readonly fields: string[];
  readonly expect: string | null;
  /** Content-Length. */
  readonly length: string | null;
};

/**
 * RFC 9113 §8.3.1 and §8.2.3: `:authority` becomes the Host, and pieces of Cookie become one field.
 * Where a Host says something else than `:authority`, both are there, which is refused later on.
 */
export function readHttp2Head(received: RawFields): Http2Head {
  const pseudo = new Map<string, string>();
  const rest: string[] = [];
  const cookies: string[] = [];
  let expect: string | null = null;
  let length: string | null = null;
  for (let at = 0; at < received.length; at += 2) {
    const [name = '', value = ''] = [received[at], received[at + 1]];
    if (name.startsWith(':')) pseudo.set(name, value);
    else if (name === 'cookie') cookies.push(value);
    else rest.push(name, value);
    if (name === 'expect') expect = value;
    if (name === 'content-length') length = value;
  }
  const authority = pseudo.get(':authority') ?? '';
  const fields = authority === '' ? rest : ['host', authority, ...withoutSameHost(rest, authority)];
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '));
  return {
    method: pseudo.get(':method') ?? '',
    target: pseudo.get(':path') ?? authority, // CONNECT has no path
    fields,
    expect,
    length,
  };
}

function withoutSameHost(fields: readonly string[], authority: string): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]];
    if (name !== 'host' || value !== authority) kept.push(name, value);
  }
  return kept;
}

/** Said by the head of a request in other words. */
const replaced: ReadonlySet<string> = new Set(['host', 'te']);

/**
 * The head of a request as HTTP/2 has it (RFC 9113 §8.3.1), of fields that are not of one hop. We
 * pass trailers on, which servers of gRPC want to be told.
 */
export function http2RequestHead(
  method: string,
  path: string,
  scheme: string,
  fields: RawFields,
): string[] {
  const head = [':method', method, ':scheme', scheme, ':path', path];
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    if (name === 'host') head.push(':authority', fields[at + 1] ?? '');
  }
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    if (!replaced.has(name)) head.push(name, fields[at + 1] ?? '');
  }
  head.push('te', 'trailers');
  return head;
}

/** Those of a message, names and values in turn. */
export function withoutPseudoFields(received: RawFields): string[] {
  const fields: string[] = [];
  for (let at = 0; at < received.length; at += 2) {
    const name = received[at] ?? '';
    if (!name.startsWith(':')) fields.push(name, received[at + 1] ?? '');
  }
  return fields;
}

/** The head of an answer as HTTP/2 has it: names in lower case (RFC 9113 §8.2.1), no reason phrase. */
export function http2AnswerHead(status: number, fields: RawFields): string[] {
  const head = [':status', String(status)];
  for (let at = 0; at < fields.length; at += 2) {
    head.push((fields[at] ?? '').toLowerCase(), fields[at + 1] ?? '');
  }
  return head;
}
