import type { ErrorCode } from '../../../../contracts/errors.ts';
import { routeMethods } from '../../../protocols/connect-reply.ts';
import type { RawFields } from '../../../protocols/http-fields.ts';
import type { Ip } from '../../../protocols/ip-address.ts';
import type { Target } from '../../../protocols/target.ts';
import { pathOf } from '../../../serving/access-log.ts';
import type { ClientMessage } from '../../../serving/client-message.ts';
import { Exchange, type ExchangeFacts } from '../../../serving/exchange.ts';
import { findAddresses } from '../../../serving/find-addresses.ts';
import { returnedFields } from '../../../serving/forwarded-request.ts';
import { OriginLeg } from '../../../serving/origin-leg.ts';
import { hasBody, type OutgoingBody } from '../../../serving/request-body.ts';
import { changeFields } from '../change-fields.ts';
import type { Copies } from '../mirroring/mirror-engine.ts';
import { formatOrigin, nobodyServes, targetOf } from '../origin-target.ts';
import type { MirrorRouteServing } from './mirror-route-serving.ts';
import { tlsOf } from './origin-tls.ts';
import {
  isUnroutable,
  type RoutedRequest,
  routeRequest,
  type Unroutable,
} from './routed-request.ts';

/** So many endpoints of a Service are asked for one request. */
const maxTried = 3;

/** Tunnels are for forward proxies. */
export const connectRefused = 'CONNECT is for proxies: this is a route';

/** Nothing was said to anybody. */
const noConnection: ReadonlySet<ErrorCode> = new Set([
  'connection_refused',
  'connection_timeout',
  'connection_terminated',
  'destination_ip_unroutable',
  'tls_certificate_error', // its address may be somebody else's by now
  'tls_protocol_error',
  'tls_alert_received',
]);

/**
 * One request to a backend, and what mirrors are told of it. Copies are told and forgotten: nothing
 * of them is awaited, and what they hold is theirs.
 */
export class RoutedExchange extends Exchange {
  #route: MirrorRouteServing;
  #routed: RoutedRequest | Unroutable | null = null;
  #addresses: readonly Ip[] = [];
  /** Whom it was, or is, to be sent to. */
  readonly #tried: Target[] = [];
  #copies: Copies | null = null;

  constructor(route: MirrorRouteServing, message: ClientMessage) {
    super(route, message);
    this.#route = route;
  }

  protected override chosen(): MirrorRouteServing {
    this.#route = this.#route.routeFor(this.connection, this.request);
    return this.#route;
  }

  protected override proceed(): void {
    const { method = '', url = '' } = this.request;
    if (method === 'TRACE') {
      return this.refuse('method_not_allowed', 'TRACE is refused: it would show credentials');
    }
    if (method === 'CONNECT') return this.refuse('method_not_allowed', connectRefused); // over HTTP/2
    if (method === 'OPTIONS' && url === '*') return this.answer(200, 'OK', ['Allow', routeMethods]);
    const routed = routeRequest(this.#route, this.connection, this.request);
    this.#routed = routed;
    if (!isUnroutable(routed)) return this.#send(routed);
    if (routed.close) this.refuseAndClose(routed.code, routed.message);
    else this.refuse(routed.code, routed.message);
  }

  #send(routed: RoutedRequest): void {
    this.#copies = this.#route.mirrors.begin(routed, this.connection);
    const target = targetOf(this.#route.endpoints, routed.backend);
    if (target !== null) this.#ask(routed, target);
    else this.refuse('destination_unavailable', nobodyServes(routed.backend));
    // What is whole already goes out, whatever becomes of the original.
    if (!hasBody(this.request)) this.#copies?.complete();
  }

  #ask(routed: RoutedRequest, target: Target): void {
    this.#tried.push(target);
    const { context, addressRules } = this.#route;
    findAddresses(context, target, addressRules, (refusal, addresses) => {
      if (this.isOver) return;
      if (refusal !== null) return this.refuse(refusal.code, refusal.message);
      this.#addresses = addresses;
      this.#dispatch(routed, target);
    });
  }

  #dispatch({ backend, pathAndQuery, method, fields }: RoutedRequest, target: Target): void {
    const { pools, terms } = this.#route;
    const { connectMs } = terms.timeouts;
    const { protocol } = backend;
    const to = { target, addresses: this.#addresses, connectMs, tls: tlsOf(backend), protocol };
    const request = { path: pathAndQuery, method, headers: fields };
    this.send((listener, body) => {
      return new OriginLeg(pools, to, { ...request, body }, terms.limits.headerBytes, listener);
    });
  }

  /** Of a Service that is being scaled down an endpoint may be gone before we hear of it. */
  protected override asksAnother(code: ErrorCode): boolean {
    const routed = this.#routed;
    if (routed === null || isUnroutable(routed) || !noConnection.has(code)) return false;
    if (routed.backend.service === null || this.#tried.length >= maxTried) return false;
    const next = targetOf(this.#route.endpoints, routed.backend, this.#tried);
    if (next !== null) this.#ask(routed, next);
    return next !== null;
  }

  /** From here on the backend's connection reads a body that is a stream, and sets the pace. */
  protected override sending(body: OutgoingBody): void {
    const copies = this.#copies;
    if (copies === null || body === null) return;
    // The request is to be on its way before anything is copied: the backend's connection acts after this.
    const complete = () => process.nextTick(() => copies.complete());
    if (Buffer.isBuffer(body)) {
      copies.body(body);
      complete();
    } else {
      body.on('data', (chunk: Buffer) => copies.body(chunk));
      body.once('end', complete);
    }
  }

  protected override returned(fields: RawFields, version: string): string[] {
    const returned = returnedFields(this.#route.terms, fields, version);
    const routed = this.#routed;
    if (routed === null || isUnroutable(routed)) return returned;
    return changeFields(returned, routed.rule.config.responseHeaders);
  }

  protected override answerBegan(status: number, fields: RawFields): void {
    this.#copies?.primaryHead(status, fields);
  }

  protected override answerData(chunk: Buffer): void {
    this.#copies?.primaryData(chunk);
  }

  protected override over(whole: boolean): void {
    this.#copies?.primaryEnd(whole);
    this.#copies?.abandon(); // if the request was not whole by now, it never will be
  }

  protected override get answerLimit() {
    const routed = this.#routed;
    if (routed === null || isUnroutable(routed)) {
      return {
        ms: this.#route.terms.timeouts.responseHeadersMs,
        field: 'spec.timeouts.responseHeaders',
      };
    }
    const { requestMs, backendRequestMs } = routed.rule.config.timeouts;
    const byBackend = backendRequestMs > 0 && (requestMs === 0 || backendRequestMs < requestMs);
    return byBackend
      ? { ms: backendRequestMs, field: 'spec.rules[].timeouts.backendRequest' }
      : { ms: requestMs, field: 'spec.rules[].timeouts.request' };
  }

  protected override facts(): ExchangeFacts {
    const routed = this.#routed;
    const target = routed?.target ?? null;
    const backend = routed === null || isUnroutable(routed) ? null : routed.backend;
    return {
      user: null,
      target: backend === null ? null : formatOrigin(backend),
      host: target?.host ?? null,
      // What is no target may be anything, a password in user information included.
      path: target?.pathAndQuery ?? pathOf(this.request.url ?? null),
      rule: routed?.rule?.config.name ?? 'none',
      reported: [],
      upstream: this.#addresses[0]?.text ?? null,
    };
  }
}
