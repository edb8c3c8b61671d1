import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { parseBasic } from '../../../protocols/basic-credentials.ts';
import {
  endToEndFields,
  fieldValue,
  findHeadProblem,
  passedThrough,
} from '../../../protocols/http-fields.ts';
import { maxForwards, oneHopLess } from '../../../protocols/max-forwards.ts';
import { type AbsoluteForm, formatTarget, parseAbsoluteForm } from '../../../protocols/target.ts';
import type { Route } from '../route.ts';
import { pathOf, verdictOf } from './access-log.ts';
import { asteriskForm } from './asterisk-form.ts';
import { authenticate, authenticationMessages } from './authentication.ts';
import type { Connection, Newest } from './connection.ts';
import { findRoute } from './find-route.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { forwardedFields, originForm, returnedFields } from './forwarded-request.ts';
import { OriginLeg, type OriginListener } from './origin-leg.ts';
import { clientDenied, refusalOf } from './refuse.ts';
import { BodyCount, hasBody } from './request-body.ts';
import { StallWatch } from './stall-watch.ts';

/**
 * One plain request and its answer. It ends once, by `#end`; the sweep asks whether bytes still
 * move. The answer is streamed, paused when the client is slow.
 */
export class Exchange implements Newest {
  readonly #proxy: ForwardProxyServing;
  readonly #connection: Connection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #expect: 'none' | 'continue' | 'unknown';
  readonly #startedMs = Date.now();
  readonly #body: BodyCount;
  #user: string | null = null;
  #form: AbsoluteForm | null = null;
  #route: Route | null = null;
  #origin: OriginLeg | null = null;
  #sent = 0;
  readonly #stall = new StallWatch();
  #answered = false;
  #mustClose = false;
  #broken: { readonly code: ErrorCode; readonly message: string } | null = null;
  #failed = false;
  #code: string | null = null;
  #started = false;
  #ended = false;

  constructor(
    proxy: ForwardProxyServing,
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
    expect: 'none' | 'continue' | 'unknown',
  ) {
    this.#proxy = proxy;
    this.#connection = connection;
    this.#request = request;
    this.#response = response;
    this.#expect = expect;
    this.#body = new BodyCount(request, connection.socket, () => {
      // Not before its turn: then the next chunk says it again.
      if (this.#started) {
        this.#fail('http_request_error', 'the framing of the chunks is larger than the body');
      }
    });
  }

  start(): void {
    const { rawHeaders: fields, httpVersion, url = '', method = '' } = this.#request;
    const { config } = this.#proxy.policy;
    this.#started = true;
    this.#proxy.exchanges.add(this);
    this.#response.once('close', () => this.#closed());
    this.#request.on('error', () => undefined); // the close of the response tells
    if (!this.#proxy.clientAllowed(this.#connection)) {
      this.#mustClose = true;
      return this.#refuse('client_address_denied', clientDenied(this.#connection));
    }
    const problem = findHeadProblem({ method, target: url, httpVersion, fields }, config.limits);
    if (problem !== null) {
      this.#mustClose = true;
      return this.#refuse(problem.code, problem.problem);
    }
    if (this.#broken !== null) return this.#fail(this.#broken.code, this.#broken.message);
    if (this.#expect === 'unknown') {
      return this.#refuse('expectation_failed', 'only Expect: 100-continue is understood');
    }
    const credentials = parseBasic(fieldValue(fields, 'proxy-authorization'));
    authenticate(this.#proxy, this.#connection.client, credentials, (failure, user) => {
      if (this.#ended) return;
      this.#user = user;
      if (failure !== null) this.#refuse(failure, authenticationMessages[failure] ?? failure);
      else this.#decide(fields, url, method);
    });
  }

  #decide(fields: readonly string[], url: string, method: string): void {
    const { policy } = this.#proxy;
    if (method === 'OPTIONS' && url === '*') return this.#answerOptions(); // for this server itself
    const form = parseAbsoluteForm(url);
    if ('problem' in form) {
      this.#mustClose = true;
      return this.#refuse('http_request_error', form.problem);
    }
    this.#form = form;
    if (method === 'TRACE')
      return this.#refuse('method_not_allowed', 'TRACE is refused: it would show credentials');
    if (method === 'OPTIONS' && maxForwards(fields) === 0) return this.#answerOptions();
    if (passedThrough(fields, policy.config.via.pseudonym)) {
      const message = `this request has been here before (Via: ${policy.config.via.pseudonym})`;
      return this.#refuse('proxy_loop_detected', message);
    }
    const { client } = this.#connection;
    findRoute(this.#proxy, { client, target: form.target, tunnel: null }, (route) => {
      if (this.#ended) return;
      this.#route = route;
      if (route.via === 'refused') this.#refuse(route.code, route.message);
      else this.#dispatch(form, route);
    });
  }

  /** RFC 9110 §7.6.2: a request that may go no further is answered by whoever holds it. */
  #answerOptions(): void {
    this.#answered = true;
    this.#head(200, 'OK', [
      'Allow',
      'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT',
      'Content-Length',
      '0',
    ]);
    this.#response.end();
  }

  #dispatch({ target, pathAndQuery }: AbsoluteForm, route: Route & { via: 'direct' }): void {
    const { method = 'GET', rawHeaders, httpVersion } = this.#request;
    const { pools, policy } = this.#proxy;
    const { timeouts, limits } = policy.config;
    const options = method === 'OPTIONS';
    const received = options ? oneHopLess(rawHeaders) : rawHeaders;
    this.#origin = new OriginLeg(
      pools,
      { target, addresses: route.addresses, connectMs: timeouts.connectMs },
      {
        path: options && pathAndQuery === '' ? asteriskForm : originForm(pathAndQuery),
        method,
        headers: forwardedFields(policy, this.#connection, target, received, httpVersion),
        body: hasBody(this.#request) ? this.#request : null,
      },
      limits.headerBytes,
      this.#listener,
    );
    this.#origin.send();
  }

  readonly #listener: OriginListener = {
    started: () => {
      if (this.#expect === 'continue') this.#response.writeContinue();
    },
    informed: ({ status, fields }) => this.#inform(status, fields),
    answered: ({ status, reason, fields, version }) => {
      this.#answered = true;
      // An answer before the body was read whole: the rest is not for anybody.
      if (!this.#request.complete) this.#mustClose = true;
      this.#head(status, reason, returnedFields(this.#proxy.policy, fields, version));
      process.nextTick(this.#flushHead);
    },
    data: (chunk) => {
      this.#sent += chunk.length;
      if (this.#response.write(chunk)) return true;
      this.#response.once('drain', () => this.#origin?.resume());
      return false;
    },
    end: () => void this.#response.end(),
    failed: (code, message) => this.#fail(code, message),
  };

  /** An origin that thinks before the first byte of its body has answered all the same. */
  readonly #flushHead = (): void => {
    if (!this.#ended && this.#sent === 0) this.#response.flushHeaders();
  };

  #inform(status: number, fields: readonly string[]): void {
    if (this.#request.httpVersion === '1.0' || status === 101) return;
    // An origin may send any number of them: those a client does not read are not kept for it.
    if (this.#connection.socket.writableNeedDrain) return;
    this.#response.writeInformation(status, endToEndFields(fields));
  }

  /** Before the head of an answer: a refusal. After it: the client must not take what it has for whole. */
  #fail(code: ErrorCode, message: string): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#code = code;
    this.#origin?.abandon();
    if (this.#response.headersSent) {
      this.#connection.socket.resetAndDestroy();
    } else {
      this.#mustClose ||= !this.#request.complete;
      this.#refuse(code, message);
    }
  }

  #refuse(code: ErrorCode, message: string): void {
    this.#code = code;
    this.#answered = true;
    const { status, reason, fields, body } = refusalOf(this.#proxy, code, message);
    if (hasBody(this.#request) && !this.#request.complete) this.#mustClose = true;
    this.#head(status, reason, [...fields, 'Content-Length', String(Buffer.byteLength(body))]);
    this.#response.end(body);
  }

  #head(status: number, reason: string, fields: string[]): void {
    const response = this.#response;
    if (this.#proxy.draining) this.#mustClose = true;
    if (this.#mustClose) {
      response.shouldKeepAlive = false;
      fields.push('Connection', 'close');
    }
    // Node destroys the socket with the last byte; a client that is still sending would then
    // see a reset instead of the answer.
    if (!response.shouldKeepAlive) {
      this.#connection.socket.destroySoon = () => this.#connection.linger();
    }
    response.writeHead(status, reason, fields);
  }

  bodyBroken(code: ErrorCode, message: string): boolean {
    if (this.#request.complete) return false;
    this.#broken = { code, message };
    // Not if the answer is being written already: it goes out whole, and closes.
    if (this.#started && !this.#answered) this.#fail(code, message);
    return true;
  }

  /** The client has taken what was written to this connection. */
  drained(connection: Connection): void {
    if (connection === this.#connection) this.#response.emit('drain');
  }

  /** Once a second: which limit is running, and is it over. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#connection.cutAtMs) return this.cut();
    // Before either, the dialer, the resolver or the password check has a deadline of its own.
    if (this.#ended || (this.#origin?.started !== true && !this.#answered)) return;
    const { responseHeadersMs, bodyIdleMs } = this.#proxy.policy.config.timeouts;
    const { bytesRead, bytesWritten } = this.#connection.socket;
    const waiting = this.#request.complete && !this.#answered;
    const phase = waiting ? 'waiting' : 'moving';
    const stalledMs = this.#stall.stalledMs(phase, bytesRead + bytesWritten + this.#sent, nowMs);
    if (stalledMs < (waiting ? responseHeadersMs : bodyIdleMs)) return;
    if (this.#failed) {
      this.#connection.socket.resetAndDestroy(); // it does not even read why
    } else if (waiting) {
      this.#fail(
        'http_response_timeout',
        'no answer from the origin in time (spec.timeouts.responseHeaders)',
      );
    } else if (this.#request.readableLength > 0) {
      const message = 'the origin stopped reading the request body (spec.timeouts.bodyIdle)';
      this.#fail('connection_write_timeout', message);
    } else if (this.#request.complete) {
      this.#fail('connection_read_timeout', 'the body stopped (spec.timeouts.bodyIdle)');
    } else {
      this.#fail('request_timeout', 'the request body stopped (spec.timeouts.bodyIdle)');
    }
  }

  /** A drain took too long. */
  cut(): void {
    this.#code ??= 'drained';
    this.#connection.socket.destroy();
  }

  #closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#proxy.exchanges.delete(this);
    const whole = this.#response.writableFinished;
    if (!whole) this.#origin?.abandon();
    this.#proxy.meters.bytes(this.#body.received, this.#sent);
    this.#report(whole);
  }

  #report(whole: boolean): void {
    const { method = null, url = null } = this.#request;
    const route = this.#route;
    const code = this.#code ?? (whole ? null : 'client_gone');
    this.#proxy.report({
      type: 'plain',
      connection: this.#connection,
      user: this.#user,
      method,
      target: this.#form === null ? null : formatTarget(this.#form.target),
      host: this.#form?.target.host ?? null,
      // What is no target may be anything, a password in user information included.
      path: this.#form === null ? pathOf(url) : originForm(this.#form.pathAndQuery),
      status: this.#answered ? this.#response.statusCode : 499,
      code,
      verdict: verdictOf(code),
      rule: route?.rule ?? 'default',
      reported: route?.via === 'direct' ? route.reported : [],
      upstream: route?.via === 'direct' ? (route.addresses[0]?.text ?? null) : null,
      received: this.#body.received,
      sent: this.#sent,
      startedMs: this.#startedMs,
    });
  }
}
