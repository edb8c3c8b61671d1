import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { parseBasic } from '../../../protocols/basic-credentials.ts';
import {
  fieldValue,
  findHeadProblem,
  passedThrough,
  type RawFields,
} from '../../../protocols/http-fields.ts';
import { parseAbsoluteForm } from '../../../protocols/target.ts';
import type { Connection } from '../../../serving/connection.ts';
import {
  forwardedFields,
  hostField,
  originForm,
  returnedFields,
} from '../../../serving/forwarded-request.ts';
import { clientDenied, refuseRaw, reportRefusal } from '../../../serving/refuse.ts';
import { Tunnel } from '../../../serving/tunnel.ts';
import { offeredProtocols, upgradeReply } from '../../../serving/upgrade.ts';
import { authenticate, authenticationMessages } from './authentication.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { tunnelRoute } from './tunnel-route.ts';

/** A request that asks to switch protocols: the origin decides; after its 101 it is a tunnel. */
export function serveUpgrade(
  proxy: ForwardProxyServing,
  connection: Connection,
  request: IncomingMessage,
  early: Buffer,
): void {
  const startedMs = Date.now();
  proxy.idle.delete(connection);
  connection.become('active');
  const { rawHeaders: fields, httpVersion, url = '', method = 'GET' } = request;
  const { policy } = proxy;

  function refuse(code: ErrorCode, message: string, user: string | null = null): void {
    refuseRaw(proxy, connection, code, message, 'close');
    reportRefusal(proxy, { type: 'upgrade', connection, code, startedMs, method, user });
  }

  if (!proxy.clientAllowed(connection)) {
    return refuse('client_address_denied', clientDenied(connection));
  }
  const problem = findHeadProblem(
    { method, target: url, httpVersion, fields },
    policy.config.limits,
  );
  if (problem !== null) return refuse(problem.code, problem.problem);
  const form = parseAbsoluteForm(url);
  if ('problem' in form) return refuse('http_request_error', form.problem);
  if (passedThrough(fields, policy.config.via.pseudonym)) {
    return refuse('proxy_loop_detected', 'this request has been here before (Via)');
  }

  const credentials = parseBasic(fieldValue(fields, 'proxy-authorization'));
  authenticate(proxy, connection.client, credentials, (failure, user) => {
    if (connection.socket.destroyed) return;
    if (failure !== null) return refuse(failure, authenticationMessages[failure] ?? failure, user);
    const question = {
      connection,
      path: originForm(form.pathAndQuery),
      fields: forwardedFields(proxy.terms, connection, hostField(form.target), fields, httpVersion),
      protocols: offeredProtocols(fields),
      returned: (answered: RawFields) => returnedFields(proxy.terms, answered, '1.1'),
    };
    new Tunnel(proxy, {
      connection,
      ...tunnelRoute(proxy, connection, { target: form.target, tunnel: null }),
      user,
      method,
      early,
      reply: upgradeReply(proxy, question),
    }).open();
  });
}
