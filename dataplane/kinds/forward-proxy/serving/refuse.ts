import { type ErrorCode, errorCodes } from '../../../../contracts/errors.ts';
import { type HttpRefusal, httpRefusal, refusalText } from '../../../protocols/connect-reply.ts';
import type { RequestType } from './access-log.ts';
import type { Connection } from './connection.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';

/** Refuses on a socket that has no response object. */
export function refuseRaw(
  proxy: ForwardProxyServing,
  connection: Connection,
  code: ErrorCode,
  message: string,
  then: 'close' | 'keep-alive',
): void {
  connection.socket.write(refusalText(refusalOf(proxy, code, message), then));
  if (then === 'close') connection.linger();
}

export function refusalOf(
  proxy: ForwardProxyServing,
  code: ErrorCode,
  message: string,
): HttpRefusal {
  const { via, authentication } = proxy.policy.config;
  const realm = authentication.mode === 'Basic' ? authentication.realm : null;
  return httpRefusal(code, message, { proxy: via.pseudonym, realm });
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
export function reportRefusal(proxy: ForwardProxyServing, refusal: EarlyRefusal): void {
  const {
    type,
    connection,
    code,
    startedMs,
    method = null,
    user = null,
    rule = 'default',
  } = refusal;
  const { status, socks4, socks5 } = errorCodes[code];
  proxy.report({
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
