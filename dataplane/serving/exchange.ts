import type { ErrorCode } from '../../contracts/errors.ts';
import { findHeadProblem, type RawFields } from '../protocols/http-fields.ts';
import { type Outcome, verdictOf } from './access-log.ts';
import type {
  ClientAnswer,
  ClientMessage,
  ClientRequest,
  Expectation,
  HeadFacts,
} from './client-message.ts';
import type { ClientServing } from './client-serving.ts';
import type { Connection, Newest } from './connection.ts';
import type { OriginLeg, OriginListener } from './origin-leg.ts';
import { clientDenied } from './refuse.ts';
import { bodyOf, hasBody, type OutgoingBody } from './request-body.ts';
import { StallWatch } from './stall-watch.ts';

/** What an exchange knows of itself for log and counters, whenever it ends. */
export type ExchangeFacts = Pick<
  Outcome,
  'user' | 'target' | 'host' | 'path' | 'rule' | 'reported' | 'upstream'
>;

type LegOf = (listener: OriginListener, body: OutgoingBody) => OriginLeg;

/**
 * One request and its answer. It ends once, by `#closed`; the sweep asks whether bytes still move.
 * The answer is streamed, paused when the client is slow. Where the request goes is for the kinds.
 */
export abstract class Exchange implements Newest {
  readonly connection: Connection;
  protected readonly request: ClientRequest;
  #serving: ClientServing;
  readonly #answer: ClientAnswer;
  readonly #expect: Expectation;
  readonly #startedMs = Date.now();
  #outgoing: OutgoingBody = null;
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

  constructor(serving: ClientServing, { connection, request, answer, expect }: ClientMessage) {
    this.#serving = serving;
    this.connection = connection;
    this.request = request;
    this.#answer = answer;
    this.#expect = expect;
    if (request.headers['transfer-encoding'] !== undefined) {
      // Not before its turn: then the next chunk says it again.
      request.watchFraming?.(() => {
        if (!this.#started) return;
        this.#fail('http_request_error', 'the framing of the chunks is larger than the body');
      });
    }
  }

  /** Who serves it: whoever accepted its connection, or one who shares the listener. */
  protected chosen(accepting: ClientServing): ClientServing {
    return accepting;
  }

  /** The head is sound and its sender let in: answers it here, or sends it on. */
  protected abstract proceed(): void;
  /** The fields of an answer as the client gets them. */
  protected abstract returned(fields: RawFields, version: string): string[];
  protected abstract facts(): ExchangeFacts;
  /** How long an answer may take to begin (0: as long as it likes), and the field that says so. */
  protected abstract get answerLimit(): { readonly ms: number; readonly field: string };

  /** Nothing was sent yet: whether somebody else is asked instead, by another `send`. */
  protected asksAnother(_code: ErrorCode): boolean {
    return false;
  }

  /** The request is being written to the origin: its body, where it is a stream, begins to be read. */
  protected sending(_body: OutgoingBody): void {}
  protected answerBegan(_status: number, _fields: RawFields): void {}
  protected answerData(_chunk: Buffer): void {}
  /** `whole`: the client got everything there was. Said once, whatever came before it. */
  protected over(_whole: boolean): void {}

  /** Answered by now, or nobody waits for an answer: what comes for it comes too late. */
  protected get isOver(): boolean {
    return this.#answered || this.#ended;
  }

  start(): void {
    const { rawHeaders: fields, httpVersion, url = '', method = '' } = this.request;
    this.#started = true;
    this.#serving = this.chosen(this.#serving);
    this.#serving.exchanges.add(this);
    this.#answer.onceClosed(() => this.#closed());
    this.request.on('error', () => undefined); // the close of the response tells
    if (!this.#serving.clientAllowed(this.connection)) {
      return this.refuseAndClose('client_address_denied', clientDenied(this.connection));
    }
    const { limits } = this.#serving.terms;
    const problem = findHeadProblem({ method, target: url, httpVersion, fields }, limits);
    if (problem !== null) return this.refuseAndClose(problem.code, problem.problem);
    if (this.#broken !== null) return this.#fail(this.#broken.code, this.#broken.message);
    if (this.#expect === 'unknown') {
      return this.refuse('expectation_failed', 'only Expect: 100-continue is understood');
    }
    this.proceed();
  }

  /** After it nothing more is read from this client. */
  protected refuseAndClose(code: ErrorCode, message: string): void {
    this.#mustClose = true;
    this.refuse(code, message);
  }

  /** An answer of our own without a body. */
  protected answer(status: number, reason: string, fields: readonly string[]): void {
    this.#answered = true;
    this.#head(status, reason, [...fields, 'Content-Length', '0']);
    this.#answer.end();
  }

  /** What comes of the request is passed on to the client. */
  protected send(legOf: LegOf): void {
    if (!hasBody(this.request)) return this.#sendWith(legOf);
    // By then all is parsed that was read together with the head.
    process.nextTick(() => {
      if (this.isOver) return;
      if (!Buffer.isBuffer(this.#outgoing)) this.#outgoing = bodyOf(this.request);
      this.#sendWith(legOf);
    });
  }

  #sendWith(legOf: LegOf): void {
    this.#origin = legOf(this.#listener, this.#outgoing);
    this.#origin.send();
  }

  readonly #listener: OriginListener = {
    started: () => {
      if (this.#expect === 'continue') this.#answer.continue();
      this.sending(this.#outgoing);
    },
    informed: ({ status, fields }) => this.#answer.inform(status, fields),
    answered: ({ status, reason, fields, version, isAll }) => {
      this.#answered = true;
      // An answer before the body was read whole: the rest is not for anybody.
      if (!this.request.complete) this.#mustClose = true;
      this.answerBegan(status, fields);
      const after = isAll ? 'nothing' : version === '2' ? 'body and trailers' : 'body';
      this.#head(status, reason, this.returned(fields, version), after);
      process.nextTick(this.#flushHead);
    },
    data: (chunk) => {
      this.#sent += chunk.length;
      this.answerData(chunk);
      if (this.#answer.write(chunk)) return true;
      this.#answer.onceDrained(() => this.#origin?.resume());
      return false;
    },
    end: (trailers) => this.#answer.end(undefined, trailers),
    failed: (code, message) => {
      const unsent = this.#origin?.started === false && !this.#ended;
      if (!unsent || !this.asksAnother(code)) this.#fail(code, message);
    },
  };

  /** An origin that thinks before the first byte of its body has answered all the same. */
  readonly #flushHead = (): void => {
    if (!this.#ended && this.#sent === 0) this.#answer.flushHead();
  };

  /** Before the head of an answer: a refusal. After it: the client must not take what it has for whole. */
  #fail(code: ErrorCode, message: string): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#code = code;
    this.#origin?.abandon();
    if (this.#answer.headSent) {
      this.#answer.breakOff();
    } else {
      this.#mustClose ||= !this.request.complete;
      this.refuse(code, message);
    }
  }

  protected refuse(code: ErrorCode, message: string): void {
    this.#code = code;
    this.#answered = true;
    const { status, reason, fields, body } = this.#serving.refusal(code, message);
    if (hasBody(this.request) && !this.request.complete) this.#mustClose = true;
    this.#head(status, reason, [...fields, 'Content-Length', String(Buffer.byteLength(body))]);
    this.#answer.end(body);
  }

  #head(
    status: number,
    reason: string,
    fields: string[],
    after: HeadFacts['after'] = 'body',
  ): void {
    if (this.connection.draining) this.#mustClose = true;
    this.#answer.head(status, reason, fields, { last: this.#mustClose, after });
  }

  bodyBroken(code: ErrorCode, message: string): boolean {
    if (this.request.complete) return false;
    this.#broken = { code, message };
    // Not if the answer is being written already: it goes out whole, and closes.
    if (this.#started && !this.#answered) this.#fail(code, message);
    return true;
  }

  /** The client has taken what was written to the connection. */
  drained(): void {
    this.#answer.drained();
  }

  /** Once a second: which limit is running, and is it over. */
  sweep(nowMs: number): void {
    if (nowMs >= this.connection.cutAtMs) return this.cut();
    // Before either, the dialer, the resolver or the password check has a deadline of its own.
    if (this.#ended || (this.#origin?.started !== true && !this.#answered)) return;
    const { bodyIdleMs } = this.#serving.terms.timeouts;
    const waiting = this.request.complete && !this.#answered;
    const phase = waiting ? 'waiting' : 'moving';
    const stalledMs = this.#stall.stalledMs(phase, this.#moved, nowMs);
    const limitMs = waiting ? this.answerLimit.ms : bodyIdleMs;
    if (limitMs === 0 || stalledMs < limitMs) return;
    if (this.#failed) {
      this.#answer.breakOff(); // it does not even read why
    } else if (waiting) {
      const message = `no answer from the origin in time (${this.answerLimit.field})`;
      this.#fail('http_response_timeout', message);
    } else if (this.request.readableLength > 0) {
      const message = 'the origin stopped reading the request body (spec.timeouts.bodyIdle)';
      this.#fail('connection_write_timeout', message);
    } else if (this.request.complete) {
      this.#fail('connection_read_timeout', 'the body stopped (spec.timeouts.bodyIdle)');
    } else {
      this.#fail('request_timeout', 'the request body stopped (spec.timeouts.bodyIdle)');
    }
  }

  /** A drain took too long. */
  cut(): void {
    this.#code ??= 'drained';
    this.#answer.cut();
  }

  get #moved(): number {
    return this.request.bodyBytes + this.#sent + this.#answer.moved;
  }

  #closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#serving.exchanges.delete(this);
    const { whole } = this.#answer;
    if (!whole) this.#origin?.abandon();
    this.over(whole);
    this.#serving.meters.bytes(this.request.bodyBytes, this.#sent);
    this.#report(whole);
  }

  #report(whole: boolean): void {
    const code = this.#code ?? (whole ? null : 'client_gone');
    this.#serving.report({
      type: 'plain',
      connection: this.connection,
      method: this.request.method ?? null,
      ...this.facts(),
      status: this.#answered ? this.#answer.status : 499,
      code,
      verdict: verdictOf(code),
      received: this.request.bodyBytes,
      sent: this.#sent,
      startedMs: this.#startedMs,
    });
  }
}
