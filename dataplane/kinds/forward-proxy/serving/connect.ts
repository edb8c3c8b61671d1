import type { IncomingMessage } from 'node:http';
import { type ErrorCode, errorCodes } from '../../../../contracts/errors.ts';
import { parseBasic } from '../../../protocols/basic-credentials.ts';
import { established } from '../../../protocols/connect-reply.ts';
import { fieldValue, findHeadProblem } from '../../../protocols/http-fields.ts';
import { parseAuthority } from '../../../protocols/target.ts';
import type { Connection } from '../../../serving/connection.ts';
import { serveHttpAgain } from '../../../serving/keep-connection.ts';
import { clientDenied, refuseRaw, reportRefusal } from '../../../serving/refuse.ts';
import { Tunnel } from '../../../serving/tunnel.ts';
import { authenticate, authenticationMessages } from './authentication.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { tunnelRoute } from './tunnel-route.ts';

/** One CONNECT: checked, authenticated, then a tunnel. Bytes sent ahead wait for the 200. */
export function serveConnect(
  proxy: ForwardProxyServing,
  connection: Connection,
  request: IncomingMessage,
  early: Buffer,
): void {
  const startedMs = Date.now();
  proxy.idle.delete(connection);
  connection.become('active');
  const { rawHeaders: fields, httpVersion, url = '' } = request;
  const { config } = proxy.policy;

  function refuse(code: ErrorCode, message: string, user: string | null = null): void {
    // Bytes after a refused CONNECT are not a request (RFC 9112 §11.2): then the connection ends.
    const again =
      code === 'authentication_required' &&
      early.length === 0 &&
      httpVersion === '1.1' &&
      !proxy.draining;
    refuseRaw(proxy, connection, code, message, again ? 'keep-alive' : 'close');
    if (again) serveHttpAgain(proxy, connection);
    reportRefusal(proxy, { type: 'connect', connection, code, startedMs, method: 'CONNECT', user });
  }

  if (!proxy.clientAllowed(connection)) {
    return refuse('client_address_denied', clientDenied(connection));
  }
  const problem = findHeadProblem(
    { method: 'CONNECT', target: url, httpVersion, fields },
    config.limits,
  );
  if (problem !== null) return refuse(problem.code, problem.problem);

  const credentials = parseBasic(fieldValue(fields, 'proxy-authorization'));
  authenticate(proxy, connection.client, credentials, (failure, user) => {
    if (connection.socket.destroyed) return;
    if (failure !== null) return refuse(failure, authenticationMessages[failure] ?? failure, user);
    const target = parseAuthority(url);
    if (target === null) {
      return refuse('http_request_error', 'the target of CONNECT must be host:port', user);
    }
    new Tunnel(proxy, {
      connection,
      ...tunnelRoute(proxy, connection, { target, tunnel: 'connect' }),
      user,
      method: 'CONNECT',
      early,
      reply: {
        type: 'connect',
        okStatus: 200,
        statusOf: (code) => errorCodes[code].status,
        accept: () => void connection.socket.write(established),
        refuse: (code, message) => refuseRaw(proxy, connection, code, message, 'close'),
      },
    }).open();
  });
}
