import { errorCodes } from '../../../../contracts/errors.ts';
import type { Settlement } from '../../../limits/copy-budget.ts';
import type { CopyOutcome } from './mirror-meters.ts';

/** Answers of whoever stands before a mirror that is not there. */
const gatewayFailures: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * What the circuit breaker makes of a copy. A failure is what Envoy calls a consecutive gateway
 * failure: no connection, no answer in time, no proper answer, or 502, 503, 504. Other answers come
 * from a mirror that works: a 500 may be just what one mirrors for. What went wrong on our side, or
 * the client's, says nothing of the mirror.
 */
export function settlementOf(outcome: CopyOutcome, status: number | null): Settlement {
  if (outcome !== 'answered') return errorCodes[outcome].side === 'upstream' ? 'failed' : 'unknown';
  return status !== null && gatewayFailures.has(status) ? 'failed' : 'answered';
}
