import type { CompareConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { type AnswerSummary, type Comparison, compareAnswers } from '../compare-answers.ts';
import { AnswerRecorder } from './answer-recorder.ts';
import { backgroundWork } from './background-work.ts';
import { compareJson, type JsonTerms, type Lateness } from './compare-json.ts';

/** How answers are compared, compiled once per version. */
export type CompareTerms = {
  readonly config: CompareConfig;
  /** `null`: no body is looked into. */
  readonly json: JsonTerms | null;
};

/** The answers to a request and to its copy, compared when both have ended, whichever ends last. */
export class TwoAnswers {
  readonly primary: AnswerRecorder;
  readonly copy: AnswerRecorder;
  readonly #terms: CompareTerms;
  readonly #thread: Lateness;
  readonly #compared: (result: Comparison) => void;
  #primarySummary: AnswerSummary | null = null;
  #copySummary: AnswerSummary | null = null;

  /** `compared` is told once; never where one of the two has no answer. */
  constructor(terms: CompareTerms, thread: Lateness, compared: (result: Comparison) => void) {
    this.#terms = terms;
    this.#thread = thread;
    this.#compared = compared;
    this.primary = new AnswerRecorder(terms);
    this.copy = new AnswerRecorder(terms);
  }

  /** The first call counts. */
  primaryEnd(whole: boolean): void {
    if (this.#primarySummary !== null) return;
    this.#primarySummary = this.primary.summary(whole);
    this.#compareIfBoth(this.#primarySummary);
  }

  /** The first call counts. */
  copyEnd(whole: boolean): void {
    if (this.#copySummary !== null) return;
    this.#copySummary = this.copy.summary(whole);
    this.#compareIfBoth(this.#copySummary);
  }

  /** One of them will not end: nothing is held for the other any more. */
  abandon(): void {
    this.primary.release();
    this.copy.release();
  }

  #compareIfBoth(ended: AnswerSummary | null): void {
    if (ended === null) return this.abandon();
    if (this.#primarySummary === null || this.#copySummary === null) return;
    const result = compareAnswers(this.#primarySummary, this.#copySummary, this.#terms.config);
    if (result !== 'as_json') return this.#end(result);
    if (!backgroundWork.add(() => this.#compareAsJson())) this.#end('loop_busy');
  }

  async #compareAsJson(): Promise<void> {
    const { json } = this.#terms;
    const [primary, copy] = [this.primary.body, this.copy.body];
    if (json === null || primary === null || copy === null) return; // then it is not `as_json`
    this.#end(await compareJson(primary, copy, json, this.#thread, backgroundWork));
  }

  #end(result: Comparison): void {
    this.abandon();
    this.#compared(result);
  }
}
