import type { Dispatcher } from 'undici';
import { rawFields } from '../../../serving/forwarded-request.ts';
import { upstreamFailure } from '../../../serving/upstream-failure.ts';
import { wasReset } from '../../../serving/upstream-http1.ts';
import type { AnswerRecorder } from './answer-recorder.ts';
import type { CopyOutcome } from './mirror-meters.ts';

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

export type Drained = {
  readonly outcome: CopyOutcome;
  /** `null`: it never began. */
  readonly status: number | null;
  /** Every byte of it was read. */
  readonly whole: boolean;
};

/** Reads the answer to a copy for nobody: up to `maxBytes` of body, then the connection is closed. */
export class AnswerDrain implements Dispatcher.DispatchHandler {
  readonly #method: string;
  readonly #maxBytes: number;
  readonly #recorder: AnswerRecorder | null;
  readonly #drained: (drained: Drained) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #status: number | null = null;
  #received = 0;
  #over = false;

  /** `drained` is told once, unless {@link abandon} comes first. */
  constructor(
    method: string,
    maxBytes: number,
    recorder: AnswerRecorder | null,
    drained: (drained: Drained) => void,
  ) {
    this.#method = method;
    this.#maxBytes = maxBytes;
    this.#recorder = recorder;
    this.#drained = drained;
  }

  /** Closes the connection; nothing is told any more. */
  abandon(): void {
    this.#over = true;
    this.#cut();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) this.#cut();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    { 'content-length': length }: Headers,
  ): void {
    if (this.#over || status < 200) return;
    this.#status = status;
    this.#recorder?.head(status, rawFields(controller.rawHeaders));
    if (this.#hasBody(status) && Number(length ?? 0) > this.#maxBytes) this.#enough();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#received += chunk.length;
    this.#recorder?.data(chunk);
    if (this.#received > this.#maxBytes) this.#enough();
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    // undici takes a reset for the end of a body without a length (measured); it is none.
    if (wasReset(controller)) this.#end('http_response_incomplete', false);
    else this.#end('answered', true);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const { code } = upstreamFailure(error);
    const brokeOff = this.#status !== null && code === 'connection_terminated';
    this.#end(brokeOff ? 'http_response_incomplete' : code, false);
  }

  /** RFC 9112 §6.3: where none comes, a length that is said means nothing. */
  #hasBody(status: number): boolean {
    return this.#method !== 'HEAD' && status !== 204 && status !== 304;
  }

  #enough(): void {
    this.#end('answered', false);
    this.#cut();
  }

  #cut(): void {
    this.#controller?.abort(new Error('nobody reads this answer any more'));
  }

  #end(outcome: CopyOutcome, whole: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#drained({ outcome, status: this.#status, whole });
  }
}
