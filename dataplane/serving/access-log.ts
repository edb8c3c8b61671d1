import { errorCodes } from '../../contracts/errors.ts';
import { resourceLabel } from '../../contracts/resource-key.ts';
import type { Connection } from './connection.ts';
import type { ServingTerms } from './serving-terms.ts';

export type RequestType = 'plain' | 'upgrade' | 'connect' | 'socks4' | 'socks5';

/** How one request or tunnel went, for the access log and the counters: said once, at its end. */
export type Outcome = {
  readonly type: RequestType;
  readonly connection: Connection;
  readonly user: string | null;
  readonly method: string | null;
  /** `host:port`, once it is known. */
  readonly target: string | null;
  readonly host: string | null;
  /** Path and query of a plain request. */
  readonly path: string | null;
  /** HTTP status, or SOCKS reply. */
  readonly status: number;
  /** Error code or end reason; `null`: it went as asked. */
  readonly code: string | null;
  readonly verdict: 'allowed' | 'denied' | 'failed';
  readonly rule: string;
  readonly reported: readonly string[];
  readonly upstream: string | null;
  readonly received: number;
  readonly sent: number;
  readonly startedMs: number;
};

/** One JSON line per request or tunnel end. No headers and no credentials are ever in it. */
export function accessLogLine(
  { resource, accessLog }: ServingTerms,
  outcome: Outcome,
  nowMs: number,
): string {
  const { type, connection, path, startedMs } = outcome;
  return JSON.stringify({
    time: new Date(nowMs).toISOString(),
    resource: resourceLabel(resource),
    listener: connection.listener,
    type,
    client: connection.client.text,
    user: outcome.user,
    method: outcome.method,
    target: outcome.target,
    path: path !== null && accessLog.redactQuery ? path.replace(/\?.*$/s, '?…') : path,
    status: outcome.status,
    verdict: outcome.verdict,
    rule: outcome.rule,
    reported: outcome.reported,
    code: outcome.code,
    upstream: outcome.upstream,
    received: outcome.received,
    sent: outcome.sent,
    durationMs: nowMs - startedMs,
    version: resource.sequence,
  });
}

/** Policy says no to the client; everything else that goes wrong is a failure. */
export function verdictOf(code: string | null): 'allowed' | 'denied' | 'failed' {
  if (code === null || code === 'client_gone') return 'allowed';
  const facts = Object.entries(errorCodes).find(([name]) => name === code)?.[1];
  return facts?.side === 'client' ? 'denied' : 'failed';
}

/** The path of a target that is not understood, if it is one. */
export function pathOf(url: string | null): string | null {
  // What follows `//` would be an authority, which may carry a password.
  return url !== null && (url === '*' || /^\/(?!\/)/.test(url)) ? url : null;
}
