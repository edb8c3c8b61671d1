import type { ErrorCode } from '../../../../contracts/errors.ts';
import type { OriginConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { passedThrough, type RawFields } from '../../../protocols/http-fields.ts';
import {
  fieldsFor,
  parseRequestTarget,
  type RequestTarget,
} from '../../../protocols/request-target.ts';
import type { ClientRequest } from '../../../serving/client-message.ts';
import type { Connection } from '../../../serving/connection.ts';
import { forwardedFields } from '../../../serving/forwarded-request.ts';
import { changeFields } from '../change-fields.ts';
import { chooseBackend } from '../choose-backend.ts';
import { hostnameRank } from '../hostnames.ts';
import { prefixAfter, rewritePath } from '../rewrite-path.ts';
import { findRule, type Rule } from '../route-table.ts';
import type { MirrorRouteServing } from './mirror-route-serving.ts';

/** A request on its way to the backend of a rule, as that gets it. */
export type RoutedRequest = {
  readonly rule: Rule;
  /** As received. */
  readonly target: RequestTarget;
  /** As received, but for a Host that its target overrides: what decides, decides by these. */
  readonly received: RawFields;
  readonly backend: OriginConfig;
  readonly method: string;
  readonly host: string;
  readonly pathAndQuery: string;
  /** What stands for the part of the path that the rule matched. */
  readonly matchedPrefix: string;
  readonly fields: string[];
};

/** `rule`: the one that matched, if one did. `close`: nothing more is read from this client. */
export type Unroutable = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly close: boolean;
  readonly rule: Rule | null;
  readonly target: RequestTarget | null;
};

export function isUnroutable(routed: RoutedRequest | Unroutable): routed is Unroutable {
  return 'code' in routed;
}

/** Finds the rule of a request and makes of it what its backend gets. */
export function routeRequest(
  route: MirrorRouteServing,
  connection: Connection,
  request: Pick<ClientRequest, 'rawHeaders' | 'url' | 'method' | 'httpVersion'>,
): RoutedRequest | Unroutable {
  const { rawHeaders, url = '', method = 'GET', httpVersion } = request;
  const { routing, terms } = route;
  const target = parseRequestTarget(url, rawHeaders);
  if ('problem' in target) {
    const { problem: message } = target;
    return { code: 'http_request_error', message, close: true, rule: null, target: null };
  }
  const refuse = (code: ErrorCode, message: string, rule: Rule | null = null): Unroutable => {
    return { code, message, close: false, rule, target };
  };
  const received = fieldsFor(target, rawHeaders);
  if (passedThrough(received, terms.via.pseudonym)) {
    const message = `this request has been here before (Via: ${terms.via.pseudonym})`;
    return refuse('proxy_loop_detected', message);
  }
  if (hostnameRank(routing.hostnames, target.host) === null) {
    return refuse('route_not_found', 'the Host is not in spec.hostnames');
  }
  const { path, query } = target;
  const found = findRule(routing.table, { method, path, query, fields: received });
  if (found === null) return refuse('route_not_found', 'no rule of spec.rules matches');

  const { rule, matchedPrefix } = found;
  const { requestHeaders, rewrite } = rule.config;
  const backend = chooseBackend(rule.backends, Math.random());
  if (backend === null) {
    const message = 'no backend of the rule has a weight above 0 (spec.rules[].backendRefs)';
    return refuse('proxy_configuration_error', message, rule);
  }
  const host = rewrite.hostname ?? target.host;
  const forwarded = forwardedFields(terms, connection, host, received, httpVersion);
  return {
    rule,
    target,
    received,
    backend,
    method,
    host,
    pathAndQuery: rewritePath(target.pathAndQuery, rewrite.path, matchedPrefix),
    matchedPrefix: prefixAfter(rewrite.path, matchedPrefix),
    fields: changeFields(forwarded, requestHeaders),
  };
}
