import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { type ErrorCode, errorCodes, ProxyError } from '../../../../contracts/errors.ts';
import { findAnswerProblem } from '../../../protocols/answer-head.ts';
import { parseBasic } from '../../../protocols/basic-credentials.ts';
import {
  endToEndFields,
  fieldValue,
  findHeadProblem,
  passedThrough,
} from '../../../protocols/http-fields.ts';
import { maxForwards, oneHopLess } from '../../../protocols/max-forwards.ts';
import {
  type AbsoluteForm,
  formatTarget,
  parseAbsoluteForm,
  type Target,
} from '../../../protocols/target.ts';
import type { Route } from '../route.ts';
import { answerVersion } from './answer-heads.ts';
import { asteriskForm } from './asterisk-form.ts';
import { authenticate, authenticationMessages } from './authentication.ts';
import type { Connection, Newest } from './connection.ts';
import { findRoute } from './find-route.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { forwardedFields, returnedFields } from './forwarded-request.ts';
import { clientDenied, refusalOf } from './refuse.ts';
import { upstreamFailure } from './upstream-failure.ts';
import { type GiveUp, resetInProgress } from './upstream-pools.ts';

/** Chunk framing may not outweigh the body by more than this (chunk extensions are no free ride). */
const maxFramingBytes = 256 * 1024;
const framingPerBodyByte = 16;

/** Safe to send once more when a kept connection turns out to be dead (RFC 9110 §9.2.2). */
const retriedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

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
  readonly #startBytes: number;
  #user: string | null = null;
  #form: AbsoluteForm | null = null;
  #route: Route | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #giveUp: GiveUp | null = null;
  #attempts = 0;
  #received = 0;
  #sent = 0;
  #progress = 0;
  #progressMs = Date.now();
  #waiting = false;
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
    this.#startBytes = connection.socket.bytesRead;
  }

  start(): void {
    const { rawHeaders: fields, httpVersion, url = '', method = '' } = this.#request;
    const { config } = this.#proxy.policy;
    this.#started = true;
    this.#proxy.exchanges.add(this);
    this.#response.once('close', () => this.#closed());
    this.#request.on('error', () => undefined); // the close of the response tells
    this.#countBody();
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
    const { policy } = this.#proxy;
    const options = method === 'OPTIONS';
    const received = options ? oneHopLess(rawHeaders) : rawHeaders;
    const fields = forwardedFields(policy, this.#connection, target, received, httpVersion);
    const { connectMs } = policy.config.timeouts;
    this.#attempts++;
    this.#giveUp = this.#proxy.pools.dispatch(
      { target, addresses: route.addresses, connectMs },
      {
        path: options && pathAndQuery === '' ? asteriskForm : originForm(pathAndQuery),
        method,
        headers: fields,
        body: this.#hasBody() ? this.#request : null,
        // A message with a body is not followed by another until its answer is whole.
        reset: false,
      },
      this.#handler(target),
    );
  }

  #hasBody(): boolean {
    const { headers } = this.#request;
    const length = headers['content-length'];
    return (
      headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
    );
  }

  /** Counts the body, and sees framing that outweighs it. */
  #countBody(): void {
    if (!this.#hasBody()) return;
    this.#received = this.#request.readableLength;
    const { socket } = this.#connection;
    const push = this.#request.push.bind(this.#request);
    this.#request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      this.#received += chunk?.length ?? 0;
      const framing = socket.bytesRead - this.#startBytes - this.#received;
      if (framing > maxFramingBytes + framingPerBodyByte * this.#received) {
        this.#fail('http_request_error', 'the framing of the chunks is larger than the body');
      }
      return push(chunk, encoding);
    };
  }

  #handler(target: Target): Dispatcher.DispatchHandler {
    return {
      onRequestStart: (controller) => {
        this.#controller = controller;
        if (this.#ended || this.#failed) return controller.abort(new Error('nobody waits'));
        if (this.#expect === 'continue' && this.#attempts === 1) this.#response.writeContinue();
      },
      onResponseStart: (controller, status, _headers, statusText = '') => {
        if (this.#ended) return;
        const fields = rawFields(controller.rawHeaders);
        const version = answerVersion();
        const problem = findAnswerProblem(
          { version, status, reason: statusText, fields },
          this.#proxy.policy.config.limits.headerBytes,
        );
        if (problem !== null) throw new ProxyError(problem.problem, { code: problem.code });
        if (status < 200) return this.#inform(status, fields);
        this.#answered = true;
        this.#waiting = false;
        // An answer before the body was read whole: the rest is not for anybody.
        if (!this.#request.complete) this.#mustClose = true;
        this.#head(status, statusText, returnedFields(this.#proxy.policy, fields, version));
        process.nextTick(this.#flushHead);
      },
      onResponseData: (controller, chunk) => {
        if (this.#ended) return;
        this.#sent += chunk.length;
        if (this.#response.write(chunk)) return;
        controller.pause();
        this.#response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => {
        if (this.#ended) return;
        // undici takes a reset for the end of a body without a length (measured); it is none.
        if (resetInProgress()) this.#fail('http_response_incomplete', 'the origin broke off');
        else this.#response.end();
      },
      onResponseError: (_controller, error) => this.#upstreamFailed(target, error),
    };
  }

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

  #upstreamFailed(target: Target, error: Error): void {
    if (this.#ended || this.#failed) return;
    const { method = '' } = this.#request;
    const failure = upstreamFailure(error);
    const again =
      failure.deadKept &&
      !this.#answered &&
      this.#attempts === 1 &&
      retriedMethods.has(method) &&
      !this.#hasBody();
    if (again && this.#form !== null && this.#route?.via === 'direct') {
      return this.#dispatch(this.#form, this.#route);
    }
    this.#fail(failure.code, `${failure.message} (${formatTarget(target)})`);
  }

  /** Before the head of an answer: a refusal. After it: the client must not take what it has for whole. */
  #fail(code: ErrorCode, message: string): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true; // what undici says of the abort is no news
    this.#code = code;
    this.#giveUp?.();
    this.#controller?.abort(new Error(code));
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
    if (this.#hasBody() && !this.#request.complete) this.#mustClose = true;
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
    if (this.#ended || (this.#controller === null && !this.#answered)) return;
    const { responseHeadersMs, bodyIdleMs } = this.#proxy.policy.config.timeouts;
    const { socket } = this.#connection;
    const progress = socket.bytesRead + socket.bytesWritten + this.#sent;
    const waiting = this.#request.complete && !this.#answered;
    if (progress !== this.#progress || waiting !== this.#waiting) {
      this.#progress = progress;
      this.#waiting = waiting;
      this.#progressMs = nowMs;
      return;
    }
    const limitMs = waiting ? responseHeadersMs : bodyIdleMs;
    if (nowMs - this.#progressMs < limitMs) return;
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
    if (!whole) {
      this.#giveUp?.();
      this.#controller?.abort(new Error('the client is gone'));
    }
    this.#proxy.meters.bytes(this.#received, this.#sent);
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
      received: this.#received,
      sent: this.#sent,
      startedMs: this.#startedMs,
    });
  }
}

/** Policy says no to the client; everything else that goes wrong is a failure. */
function verdictOf(code: string | null): 'allowed' | 'denied' | 'failed' {
  if (code === null || code === 'client_gone') return 'allowed';
  const facts = Object.entries(errorCodes).find(([name]) => name === code)?.[1];
  return facts?.side === 'client' ? 'denied' : 'failed';
}

function pathOf(url: string | null): string | null {
  // What follows `//` would be an authority, which may carry a password.
  return url !== null && (url === '*' || /^\/(?!\/)/.test(url)) ? url : null;
}

/** The path as received; the empty one is `/` (RFC 9112 §3.2.1). */
function originForm(pathAndQuery: string): string {
  return pathAndQuery.startsWith('/') ? pathAndQuery : `/${pathAndQuery}`;
}

/** As undici keeps them: names and values in turn, in bytes. */
function rawFields(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part: Buffer | string) =>
    typeof part === 'string' ? part : part.toString('latin1'),
  );
}
