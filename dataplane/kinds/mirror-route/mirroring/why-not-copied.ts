import type { MirrorConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { hasDotSegment } from '../../../../contracts/kinds/mirror-route/dot-segments.ts';
import { fieldValue } from '../../../protocols/http-fields.ts';
import { isSampled, type Sampling } from '../sample.ts';
import type { SampledRequest } from '../sampling-key.ts';
import type { Lane } from './lane.ts';
import type { SkipReason } from './skip-reasons.ts';

/** How this thread and its process are, as far as copies are concerned. */
export type Situation = {
  readonly draining: boolean;
  readonly loopBusy: boolean;
  /** See {@link Dialer}. */
  crowded(): boolean;
  nowMs(): number;
  random(): number;
};

/** Why no copy of a request begins, as far as its head tells; `null`: one does, and it is one of this second. */
export function whyNotCopied(
  { config, sampling }: { readonly config: MirrorConfig; readonly sampling: Sampling },
  request: SampledRequest,
  { budget, queue }: Pick<Lane, 'budget' | 'queue'>,
  situation: Situation,
): SkipReason | null {
  const sampled = isSampled(sampling, request, situation.random);
  if (sampled !== 'sampled') return sampled;
  if (situation.draining) return 'draining';
  if (situation.loopBusy) return 'loop_busy';
  if (situation.crowded()) return 'connections';
  if (leadsOut(config, request)) return 'path';
  if (isTooLong(config, request)) return 'body_too_large';
  const nowMs = situation.nowMs();
  if (budget.admits(config.circuitBreaker, nowMs) === 'none') return 'breaker_open';
  // Nothing is held for a mirror that hangs only to be thrown away when the request is whole.
  if (queue.isFull) return 'queue_full';
  return budget.takeRequest(config.limits.requestsPerSecond, nowMs) ? null : 'rate';
}

/** A mirror that normalises paths would take `/shadow/../admin` for one beside what was put before it. */
function leadsOut({ path }: MirrorConfig, request: SampledRequest): boolean {
  return path !== null && path.type !== 'ReplaceFullPath' && hasDotSegment(request.path);
}

/** By what it says itself; one that says nothing is measured as it comes. */
function isTooLong({ body }: MirrorConfig, { fields }: SampledRequest): boolean {
  if (body.mode === 'Omit' || body.onOverflow === 'Truncate') return false;
  return Number(fieldValue(fields, 'content-length') ?? 0) > body.maxBytes;
}
