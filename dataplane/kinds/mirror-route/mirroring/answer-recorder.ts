import { createHash, type Hash } from 'node:crypto';
import { fieldValue, type RawFields } from '../../../protocols/http-fields.ts';
import { type AnswerSummary, codingOf } from '../compare-answers.ts';
import { isJson } from '../json-media-type.ts';
import type { JsonBody } from './compare-json.ts';
import { type BodyAllowance, HeldBody } from './held-body.ts';
import type { CompareTerms } from './two-answers.ts';

/**
 * Takes down what of an answer is compared, as it passes by. Of its body no byte is kept, unless it
 * is JSON of which a part may differ: then all of it is, until it is released.
 */
export class AnswerRecorder {
  readonly #maxBytes: number;
  readonly #hash: Hash | null;
  /** `null`: no body is held, or none any more. */
  #allowance: BodyAllowance | null;
  #held: HeldBody | null = null;
  #json: AnswerSummary['json'] = 'none';
  #status: number | null = null;
  #fields: RawFields = [];
  #length = 0;

  constructor({ config: { mode, maxBytes }, json }: CompareTerms) {
    this.#maxBytes = maxBytes;
    this.#hash = mode === 'Body' ? createHash('sha256') : null;
    this.#allowance = json?.allowance ?? null;
  }

  head(status: number, fields: RawFields): void {
    this.#status = status;
    this.#fields = fields;
    if (this.#allowance === null || !isJson(fields)) return;
    if (Number(fieldValue(fields, 'content-length') ?? 0) > this.#maxBytes) return;
    this.#held = new HeldBody(this.#allowance);
    this.#json = 'held';
  }

  data(chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length <= this.#maxBytes) this.#hash?.update(chunk);
    if (this.#held === null || this.#held.add(chunk) === null) return;
    this.#held.release();
    this.#held = null;
    this.#json = 'lost';
  }

  /** `null`: there was no answer. */
  summary(whole: boolean): AnswerSummary | null {
    if (this.#status === null) return null;
    const hashed = whole && this.#length <= this.#maxBytes;
    return {
      status: this.#status,
      fields: this.#fields,
      length: whole ? this.#length : null,
      hash: hashed ? (this.#hash?.digest('base64') ?? null) : null,
      json: this.#json,
      whole,
    };
  }

  /** Its body, where it is held. */
  get body(): JsonBody | null {
    return this.#held === null ? null : { held: this.#held, coding: codingOf(this.#fields) };
  }

  /** Gives back what is held; nothing is any more. */
  release(): void {
    this.#held?.release();
    this.#held = null;
    this.#allowance = null;
  }
}
