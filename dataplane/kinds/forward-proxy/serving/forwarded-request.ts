import type { Dispatcher } from 'undici';
import { endToEndFields } from '../../../protocols/http-fields.ts';
import { formatTarget, type Target } from '../../../protocols/target.ts';
import type { Policy } from '../policy.ts';
import type { Connection } from './connection.ts';

const replaced: ReadonlySet<string> = new Set(['host', 'expect']);

/** The fields of a request as the origin gets them: its own Host, our Via, no hop-by-hop field. */
export function forwardedFields(
  policy: Policy,
  connection: Connection,
  target: Target,
  fields: readonly string[],
  httpVersion: string,
): string[] {
  const { via, forwardedHeader } = policy.config;
  const forwarded = ['Host', hostField(target), ...endToEndFields(fields, replaced)];
  if (via.enabled) forwarded.push('Via', `${httpVersion} ${via.pseudonym}`);
  const client = connection.client.text;
  if (forwardedHeader === 'XForwardedFor') forwarded.push('X-Forwarded-For', client);
  if (forwardedHeader === 'Forwarded') {
    forwarded.push('Forwarded', `for=${client.includes(':') ? `"[${client}]"` : client}`);
  }
  return forwarded;
}

/** The default port is left out, as clients do (RFC 9110 §7.2). */
function hostField(target: Target): string {
  const full = formatTarget(target);
  return target.port === 80 ? full.slice(0, -':80'.length) : full;
}

/** The fields of a response as the client gets them. */
export function returnedFields(
  policy: Policy,
  fields: readonly string[],
  httpVersion: string,
): string[] {
  const returned = endToEndFields(fields);
  const { via } = policy.config;
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
