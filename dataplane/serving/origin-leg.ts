import type { Dispatcher } from 'undici';
import { type ErrorCode, ProxyError } from '../../contracts/errors.ts';
import {
  type AnswerHead,
  findAnswerProblem,
  findTrailerProblem,
} from '../protocols/answer-head.ts';
import { endToEndFields, type RawFields } from '../protocols/http-fields.ts';
import { formatTarget } from '../protocols/target.ts';
import { answerVersion } from './answer-heads.ts';
import { rawFields } from './forwarded-request.ts';
import { Http2Call } from './http2-call.ts';
import { upstreamFailure } from './upstream-failure.ts';
import { wasReset } from './upstream-http1.ts';
import type { GiveUp, UpstreamPools, UpstreamRequest } from './upstream-pools.ts';

/** Safe to send once more when a kept connection turns out to be dead (RFC 9110 §9.2.2). */
const retriedMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What comes of a request, in the order it comes; nothing after `end` or `failed`. */
export type OriginListener = {
  /** It is being written: a client that waits for 100 may go on. Said once. */
  started(): void;
  /** 1xx */
  informed(head: AnswerHead): void;
  answered(head: AnswerHead): void;
  /** `false`: no more before {@link OriginLeg.resume}. */
  data(chunk: Buffer): boolean;
  /** Trailers are those of HTTP/2. */
  end(trailers: RawFields): void;
  failed(code: ErrorCode, message: string): void;
};

/** The origin's side of one plain request: sent through a pool, once more if a kept connection was dead. */
export class OriginLeg {
  readonly #pools: UpstreamPools;
  readonly #to: UpstreamRequest;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #maxHeaderBytes: number;
  readonly #listener: OriginListener;
  #controller: Dispatcher.DispatchController | null = null;
  #giveUp: GiveUp | null = null;
  #attempts = 0;
  #answered = false;
  #over = false;

  constructor(
    pools: UpstreamPools,
    to: UpstreamRequest,
    options: Dispatcher.DispatchOptions,
    maxHeaderBytes: number,
    listener: OriginListener,
  ) {
    this.#pools = pools;
    this.#to = to;
    this.#options = options;
    this.#maxHeaderBytes = maxHeaderBytes;
    this.#listener = listener;
  }

  /** Before it, the dialer has a deadline of its own. */
  get started(): boolean {
    return this.#controller !== null;
  }

  send(): void {
    this.#attempts++;
    this.#giveUp = this.#pools.dispatch(this.#to, this.#options, this.#handler);
  }

  resume(): void {
    this.#controller?.resume();
  }

  /** Nobody waits any more: whatever is under way ends, and nothing is said of it. */
  abandon(): void {
    this.#over = true;
    this.#giveUp?.();
    this.#controller?.abort(new Error('nobody waits for the answer'));
  }

  readonly #handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      this.#controller = controller;
      if (this.#over) return controller.abort(new Error('nobody waits for the answer'));
      if (this.#attempts === 1) this.#listener.started();
    },
    onResponseStart: (controller, status, _headers, reason = '') => {
      if (this.#over) return;
      const fields = rawFields(controller.rawHeaders);
      const { version, isAll } = factsOf(controller);
      const head: AnswerHead = { version, status, reason, fields, isAll };
      const problem = findAnswerProblem(head, this.#maxHeaderBytes);
      if (problem !== null) throw new ProxyError(problem.problem, { code: problem.code });
      if (status < 200) return this.#listener.informed(head);
      this.#answered = true;
      this.#listener.answered(head);
    },
    onResponseData: (controller, chunk) => {
      if (!this.#over && !this.#listener.data(chunk)) controller.pause();
    },
    onResponseEnd: (controller) => {
      // undici takes a reset for the end of a body without a length (measured); it is none.
      if (wasReset(controller)) {
        return this.#fail('http_response_incomplete', 'the origin broke off');
      }
      if (this.#over) return;
      const trailers = trailersOf(controller);
      const problem = findTrailerProblem(trailers, this.#maxHeaderBytes);
      if (problem === null) this.#listener.end(trailers);
      else this.#fail(problem.code, problem.problem);
    },
    onResponseError: (_controller, error) => this.#broken(error),
  };

  #broken(error: Error): void {
    if (this.#over) return;
    const { code, message, deadKept } = upstreamFailure(error);
    const { method, body } = this.#options;
    const harmless = retriedMethods.has(method) && body === null;
    if (deadKept && harmless && !this.#answered && this.#attempts === 1) return this.send();
    this.#fail(code, `${message} (${formatTarget(this.#to.target)})`);
  }

  #fail(code: ErrorCode, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.failed(code, message);
  }
}

function factsOf(controller: Dispatcher.DispatchController): Pick<AnswerHead, 'version' | 'isAll'> {
  if (!(controller instanceof Http2Call)) return { version: answerVersion(), isAll: false };
  return { version: controller.version, isAll: controller.endsWithHead };
}

/** What frames, routes or describes a message is said before it (RFC 9110 §6.5.1). */
const neverTrailers: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'content-encoding', 'content-type', 'content-range'],
  ...['authorization', 'cookie', 'set-cookie', 'location', 'cache-control'],
]);

/** Of HTTP/1 they are dropped, as RFC 9110 §6.5.1 allows: undici has merged fields of one name. */
function trailersOf(controller: Dispatcher.DispatchController): RawFields {
  return controller instanceof Http2Call
    ? endToEndFields(controller.rawTrailers, neverTrailers)
    : [];
}
