import { parseBasic } from '../../../protocols/basic-credentials.ts';
import { fieldValue, passedThrough, type RawFields } from '../../../protocols/http-fields.ts';
import { maxForwards, oneHopLess } from '../../../protocols/max-forwards.ts';
import { type AbsoluteForm, formatTarget, parseAbsoluteForm } from '../../../protocols/target.ts';
import { pathOf } from '../../../serving/access-log.ts';
import { asteriskForm } from '../../../serving/asterisk-form.ts';
import type { ClientMessage } from '../../../serving/client-message.ts';
import { Exchange, type ExchangeFacts } from '../../../serving/exchange.ts';
import {
  forwardedFields,
  hostField,
  originForm,
  returnedFields,
} from '../../../serving/forwarded-request.ts';
import { OriginLeg } from '../../../serving/origin-leg.ts';
import type { Route } from '../route.ts';
import { authenticate, authenticationMessages } from './authentication.ts';
import { findRoute } from './find-route.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';

/** One plain request through the proxy: authenticated, judged, sent on to its origin. */
export class PlainExchange extends Exchange {
  readonly #proxy: ForwardProxyServing;
  #user: string | null = null;
  #form: AbsoluteForm | null = null;
  #route: Route | null = null;

  constructor(proxy: ForwardProxyServing, message: ClientMessage) {
    super(proxy, message);
    this.#proxy = proxy;
  }

  protected override proceed(): void {
    const credentials = parseBasic(fieldValue(this.request.rawHeaders, 'proxy-authorization'));
    authenticate(this.#proxy, this.connection.client, credentials, (failure, user) => {
      if (this.isOver) return;
      this.#user = user;
      if (failure !== null) this.refuse(failure, authenticationMessages[failure] ?? failure);
      else this.#decide();
    });
  }

  #decide(): void {
    const { rawHeaders: fields, url = '', method = '' } = this.request;
    const { policy } = this.#proxy;
    if (method === 'OPTIONS' && url === '*') return this.#answerOptions(); // for this server itself
    const form = parseAbsoluteForm(url);
    if ('problem' in form) return this.refuseAndClose('http_request_error', form.problem);
    this.#form = form;
    if (method === 'TRACE')
      return this.refuse('method_not_allowed', 'TRACE is refused: it would show credentials');
    if (method === 'OPTIONS' && maxForwards(fields) === 0) return this.#answerOptions();
    if (passedThrough(fields, policy.config.via.pseudonym)) {
      const message = `this request has been here before (Via: ${policy.config.via.pseudonym})`;
      return this.refuse('proxy_loop_detected', message);
    }
    const { client } = this.connection;
    findRoute(this.#proxy, { client, target: form.target, tunnel: null }, (route) => {
      if (this.isOver) return;
      this.#route = route;
      if (route.via === 'refused') this.refuse(route.code, route.message);
      else this.#dispatch(form, route);
    });
  }

  /** RFC 9110 §7.6.2: a request that may go no further is answered by whoever holds it. */
  #answerOptions(): void {
    this.answer(200, 'OK', ['Allow', 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT']);
  }

  #dispatch({ target, pathAndQuery }: AbsoluteForm, route: Route & { via: 'direct' }): void {
    const { method = 'GET', rawHeaders, httpVersion } = this.request;
    const { pools, terms } = this.#proxy;
    const options = method === 'OPTIONS';
    const received = options ? oneHopLess(rawHeaders) : rawHeaders;
    const { connectMs } = terms.timeouts;
    const to = {
      target,
      addresses: route.addresses,
      connectMs,
      tls: null,
      protocol: 'HTTP1',
    } as const;
    const request = {
      path: options && pathAndQuery === '' ? asteriskForm : originForm(pathAndQuery),
      method,
      headers: forwardedFields(terms, this.connection, hostField(target), received, httpVersion),
    };
    this.send((listener, body) => {
      return new OriginLeg(pools, to, { ...request, body }, terms.limits.headerBytes, listener);
    });
  }

  protected override returned(fields: RawFields, version: string): string[] {
    return returnedFields(this.#proxy.terms, fields, version);
  }

  protected override get answerLimit() {
    return {
      ms: this.#proxy.terms.timeouts.responseHeadersMs,
      field: 'spec.timeouts.responseHeaders',
    };
  }

  protected override facts(): ExchangeFacts {
    const { url = null } = this.request;
    const route = this.#route;
    const form = this.#form;
    return {
      user: this.#user,
      target: form === null ? null : formatTarget(form.target),
      host: form?.target.host ?? null,
      // What is no target may be anything, a password in user information included.
      path: form === null ? pathOf(url) : originForm(form.pathAndQuery),
      rule: route?.rule ?? 'default',
      reported: route?.via === 'direct' ? route.reported : [],
      upstream: route?.via === 'direct' ? (route.addresses[0]?.text ?? null) : null,
    };
  }
}
