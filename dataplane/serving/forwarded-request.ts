import type { Dispatcher } from 'undici';
import { endToEndFields } from '../protocols/http-fields.ts';
import { formatTarget, type Target } from '../protocols/target.ts';
import type { Connection } from './connection.ts';
import type { ServingTerms } from './serving-terms.ts';

const replaced: ReadonlySet<string> = new Set(['host', 'expect']);
/** Ours to say, as far as we know it: a client that comes with TLS. */
const replacedOverTls: ReadonlySet<string> = new Set([...replaced, 'x-forwarded-proto']);

/** The fields of a request as the origin gets them: this Host, our Via, no hop-by-hop field. */
export function forwardedFields(
  terms: ServingTerms,
  connection: Connection,
  host: string,
  fields: readonly string[],
  httpVersion: string,
): string[] {
  const { via, forwardedHeader } = terms;
  const taken =
    connection.secure && forwardedHeader === 'XForwardedFor' ? replacedOverTls : replaced;
  const forwarded = ['Host', host, ...endToEndFields(fields, taken)];
  if (via.enabled) forwarded.push('Via', `${httpVersion} ${via.pseudonym}`);
  const client = connection.client.text;
  if (forwardedHeader === 'XForwardedFor') {
    forwarded.push('X-Forwarded-For', client);
    if (connection.secure) forwarded.push('X-Forwarded-Proto', 'https');
  }
  if (forwardedHeader === 'Forwarded') {
    const node = client.includes(':') ? `"[${client}]"` : client;
    forwarded.push('Forwarded', `for=${node}${connection.secure ? ';proto=https' : ''}`);
  }
  return forwarded;
}

/** The default port is left out, as clients do (RFC 9110 §7.2). */
export function hostField(target: Target): string {
  const full = formatTarget(target);
  return target.port === 80 ? full.slice(0, -':80'.length) : full;
}

/** The fields of a response as the client gets them. */
export function returnedFields(
  terms: ServingTerms,
  fields: readonly string[],
  httpVersion: string,
): string[] {
  const returned = endToEndFields(fields);
  const { via } = terms;
  if (via.enabled) returned.push('Via', `${httpVersion} ${via.pseudonym}`);
  return returned;
}

/** The path as received; the empty one is `/` (RFC 9112 §3.2.1). */
export function originForm(pathAndQuery: string): string {
  return pathAndQuery.startsWith('/') ? pathAndQuery : `/${pathAndQuery}`;
}

/** As undici keeps them: names and values in turn, in bytes. */
export function rawFields(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part: Buffer | string) =>
    typeof part === 'string' ? part : part.toString('latin1'),
  );
}
