import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { CompareConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import type { Settlement } from '../../../limits/copy-budget.ts';
import type { RawFields } from '../../../protocols/http-fields.ts';
import type { GiveUp } from '../../../serving/upstream-pools.ts';
import type { CopyHead } from '../copy-head.ts';
import { AnswerDrain, type Drained } from './answer-drain.ts';
import type { Circumstances } from './circumstances.ts';
import { settlementOf } from './copy-settlement.ts';
import { HeldBody } from './held-body.ts';
import type { CopyOutcome } from './mirror-meters.ts';
import type { MirrorVersion, Receiver } from './mirror-version.ts';
import type { Sendable } from './send-queue.ts';
import type { SkipReason } from './skip-reasons.ts';
import { TwoAnswers } from './two-answers.ts';

/** So much of an answer is read for nobody: its connection can be used again. */
const drainedBytes = 1024 * 1024;

/** What a copy asks whoever made it. */
export type CopySurroundings = Pick<Circumstances, 'nowMs' | 'random'> & {
  readonly draining: boolean;
  readonly loopBusy: boolean;
};

/**
 * One copy, from the head of its request to the last byte of its answer. It ends once, by `#end`,
 * where all it holds is given back; and is counted once, as skipped or by what came of it.
 *
 *   collecting ─▶ waiting ─▶ finding ─▶ sent ─▶ over
 */
export class Copy implements Sendable {
  readonly #mirror: MirrorVersion;
  readonly #head: CopyHead;
  readonly #surroundings: CopySurroundings;
  readonly #body: HeldBody | null;
  /** `null`: nothing is compared, or not any more. */
  #answers: TwoAnswers | null;
  #phase: 'collecting' | 'waiting' | 'finding' | 'sent' | 'over' = 'collecting';
  #startedMs = 0;
  #probe = false;
  #drain: AnswerDrain | null = null;
  #giveUp: GiveUp | null = null;

  constructor(mirror: MirrorVersion, head: CopyHead, surroundings: CopySurroundings) {
    const { compare, body } = mirror.config;
    this.#mirror = mirror;
    this.#head = head;
    this.#surroundings = surroundings;
    this.#body = body.mode === 'Include' ? new HeldBody(mirror.allowance) : null;
    this.#answers = isCompared(compare, surroundings.random)
      ? new TwoAnswers(mirror.compare, surroundings, mirror.lane.meters.compared)
      : null;
    mirror.copyOpened();
  }

  /** Of the request. */
  body(chunk: Buffer): void {
    if (this.#phase !== 'collecting') return;
    const overflow = this.#body?.add(chunk) ?? null;
    if (overflow !== null) this.skip(overflow);
  }

  /** The request is whole. */
  complete(): void {
    if (this.#phase !== 'collecting') return;
    if (this.#surroundings.draining) return this.skip('draining');
    this.#phase = 'waiting';
    this.#mirror.lane.queue.submit(this);
  }

  /** The request will never be whole. */
  abandon(): void {
    if (this.#phase === 'collecting') this.skip('incomplete');
  }

  primaryHead(status: number, fields: RawFields): void {
    this.#answers?.primary.head(status, fields);
  }

  primaryData(chunk: Buffer): void {
    this.#answers?.primary.data(chunk);
  }

  primaryEnd(whole: boolean): void {
    this.#answers?.primaryEnd(whole);
  }

  /** It has a place. */
  start(): void {
    const { lane, config } = this.#mirror;
    this.#phase = 'finding';
    this.#startedMs = this.#surroundings.nowMs();
    const admission = lane.admit(config.origin, this.#startedMs);
    if (admission === 'none') return this.skip('breaker_open');
    this.#probe = admission === 'probe';
    this.#mirror.findReceiver((refused, receiver) => {
      if (this.#phase !== 'finding') return; // it took too long
      if (receiver !== null) this.#send(receiver);
      else this.skip(refused ?? 'no_endpoint');
    });
  }

  #send(receiver: Receiver): void {
    this.#phase = 'sent';
    const { mode, maxBytes } = this.#mirror.config.compare;
    const readBytes = mode === 'Body' ? Math.max(maxBytes, drainedBytes) : drainedBytes;
    const recorder = this.#answers?.copy ?? null;
    this.#drain = new AnswerDrain(this.#head.method, readBytes, recorder, (drained) =>
      this.#drained(drained),
    );
    this.#giveUp = this.#mirror.send(receiver, this.#request(), this.#drain);
  }

  #request(): Dispatcher.DispatchOptions {
    const { method, path, fields } = this.#head;
    const truncatedFrom = this.#body?.truncatedFrom ?? null;
    const headers = [...fields];
    if (truncatedFrom !== null) headers.push('Mirror-Truncated', String(truncatedFrom));
    const pieces = this.#body?.pieces ?? [];
    if (pieces.length <= 1) return { method, path, headers, body: pieces[0] ?? null };
    headers.push('Content-Length', String(this.#body?.length));
    return { method, path, headers, body: Readable.from(pieces, { objectMode: false }) };
  }

  #drained({ outcome, status, whole }: Drained): void {
    const { meters } = this.#mirror.lane;
    meters.ended(outcome);
    if (outcome === 'answered') {
      meters.answeredAfter((this.#surroundings.nowMs() - this.#startedMs) / 1000);
      if (this.#answers !== null) this.#answers.copyEnd(whole);
      else if (this.#mirror.config.compare.mode !== 'Off') meters.compared('not_sampled');
    } else {
      this.#compareNothing();
    }
    this.#end(settlementOf(outcome, status));
  }

  /** Once a second, while it has a place. */
  sweep(nowMs: number): void {
    if (nowMs - this.#startedMs < this.#mirror.config.timeouts.requestMs) return;
    if (this.#phase === 'finding') this.skip('dns');
    else this.#stop('http_response_timeout', 'failed');
  }

  /** Nobody waits for it any more. */
  cut(): void {
    if (this.#phase === 'sent') this.#stop('connection_terminated', 'unknown');
    else this.skip('draining');
  }

  #stop(outcome: CopyOutcome, settlement: Settlement): void {
    if (this.#phase !== 'sent') return;
    this.#drain?.abandon();
    this.#giveUp?.();
    this.#compareNothing();
    this.#mirror.lane.meters.ended(outcome);
    this.#end(settlement);
  }

  /** It is not sent. A mirror that cannot be found fails; all else says nothing of it. */
  skip(reason: SkipReason): void {
    if (this.#phase === 'over') return;
    this.#compareNothing();
    this.#mirror.lane.skipped(reason, this.#surroundings);
    this.#end(reason === 'dns' ? 'failed' : 'unknown');
  }

  #compareNothing(): void {
    this.#answers?.abandon();
    this.#answers = null;
  }

  #end(settlement: Settlement): void {
    this.#phase = 'over';
    this.#body?.release();
    const { lane, config } = this.#mirror;
    lane.settle(settlement, config.origin, this.#probe, this.#surroundings.nowMs());
    this.#mirror.copyEnded();
    lane.queue.ended(this); // starts the next one, which asks the breaker
  }
}

function isCompared({ mode, percent }: CompareConfig, random: () => number): boolean {
  return mode !== 'Off' && (percent === 100 || random() * 100 < percent);
}
