import { type ErrorCode, errorCodes } from '../../contracts/errors.ts';
import { refusalText } from '../protocols/connect-reply.ts';
import type { RequestType } from './access-log.ts';
import type { ClientServing } from './client-serving.ts';
import type { Connection } from './connection.ts';

/** Refuses on a socket that has no response object. */
export function refuseRaw(
  serving: ClientServing,
  connection: Connection,
  code: ErrorCode,
  message: string,
  then: 'close' | 'keep-alive',
): void {
  connection.socket.write(refusalText(serving.refusal(code, message), then));
  if (then === 'close') connection.linger();
}

export function clientDenied({ client, listener }: Connection): string {
  return `client address ${client.text} is not in allowedClientCIDRs of listener "${listener}" (spec.listeners)`;
}

/** What is known of a request that was refused before anybody knew where it wanted to go. */
export type EarlyRefusal = {
  readonly type: RequestType;
  readonly connection: Connection;
  readonly code: ErrorCode;
  readonly startedMs: number;
  readonly method?: string;
  readonly user?: string | null;
  readonly rule?: string;
};

/** Says in log and counters that a request was refused on sight. */
export function reportRefusal(serving: ClientServing, refusal: EarlyRefusal): void {
  const {
    type,
    connection,
    code,
    startedMs,
    method = null,
    user = null,
    rule = serving.noRule,
  } = refusal;
  const { status, socks4, socks5 } = errorCodes[code];
  serving.report({
    type,
    connection,
    user,
    method,
    target: null,
    host: null,
    path: null,
    status: type === 'socks4' ? socks4 : type === 'socks5' ? socks5 : status,
    code,
    verdict: 'denied',
    rule,
    reported: [],
    upstream: null,
    received: 0,
    sent: 0,
    startedMs,
  });
}
