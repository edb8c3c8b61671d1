import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { findHeadProblem, type RawFields } from '../../../protocols/http-fields.ts';
import type { Target } from '../../../protocols/target.ts';
import type { Connection } from '../../../serving/connection.ts';
import { findAddresses } from '../../../serving/find-addresses.ts';
import { returnedFields } from '../../../serving/forwarded-request.ts';
import { clientDenied, refuseRaw, reportRefusal } from '../../../serving/refuse.ts';
import { Tunnel } from '../../../serving/tunnel.ts';
import { offeredProtocols, upgradeReply } from '../../../serving/upgrade.ts';
import { changeFields } from '../change-fields.ts';
import { nobodyServes, targetOf } from '../origin-target.ts';
import type { MirrorRouteServing } from './mirror-route-serving.ts';
import { tlsOf } from './origin-tls.ts';
import { isUnroutable, type RoutedRequest, routeRequest } from './routed-request.ts';

/** A request that asks to switch protocols: its backend decides. It is never copied. */
export function serveUpgrade(
  route: MirrorRouteServing,
  connection: Connection,
  request: IncomingMessage,
  early: Buffer,
): void {
  const startedMs = Date.now();
  const { rawHeaders: fields, httpVersion, url = '', method = 'GET' } = request;

  function refuse(code: ErrorCode, message: string, rule = 'none'): void {
    refuseRaw(route, connection, code, message, 'close');
    reportRefusal(route, { type: 'upgrade', connection, code, startedMs, method, rule });
  }

  if (!route.clientAllowed(connection)) {
    return refuse('client_address_denied', clientDenied(connection));
  }
  const head = { method, target: url, httpVersion, fields };
  const problem = findHeadProblem(head, route.terms.limits);
  if (problem !== null) return refuse(problem.code, problem.problem);
  const routed = routeRequest(route, connection, request);
  if (isUnroutable(routed)) {
    return refuse(routed.code, routed.message, routed.rule?.config.name);
  }
  if (routed.backend.protocol === 'HTTP2') {
    const message = 'the backend speaks HTTP/2, over which nothing is upgraded';
    return refuse('http_upgrade_failed', message, routed.rule.config.name);
  }
  route.mirrors.skipUpgrade(routed.rule);
  const target = targetOf(route.endpoints, routed.backend);
  if (target === null) {
    const message = nobodyServes(routed.backend);
    return refuse('destination_unavailable', message, routed.rule.config.name);
  }
  open(route, connection, routed, { target, protocols: offeredProtocols(fields), early });
}

type Upgrading = {
  readonly target: Target;
  readonly protocols: string;
  readonly early: Buffer;
};

function open(
  route: MirrorRouteServing,
  connection: Connection,
  { rule, backend, method, pathAndQuery, fields }: RoutedRequest,
  { target, protocols, early }: Upgrading,
): void {
  const { name, responseHeaders } = rule.config;
  new Tunnel(route, {
    connection,
    target,
    tls: tlsOf(backend),
    findRoute(done) {
      findAddresses(route.context, target, route.addressRules, (refusal, addresses) => {
        if (refusal !== null) return done({ via: 'refused', rule: name, ...refusal });
        done({ via: 'direct', addresses, rule: name, reported: [] });
      });
    },
    rule: name,
    user: null,
    method,
    early,
    reply: upgradeReply(route, {
      connection,
      path: pathAndQuery,
      fields,
      protocols,
      returned: (answered: RawFields) =>
        changeFields(returnedFields(route.terms, answered, '1.1'), responseHeaders),
    }),
  }).open();
}
