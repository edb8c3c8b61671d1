import type { Decided } from '../../../contracts/kinds/decided.ts';
import type { ForwardProxyEvent } from '../../../contracts/kinds/forward-proxy/events.ts';
import type { ForwardProxyState } from '../../../contracts/kinds/forward-proxy/evolve.ts';
import type { Considered } from '../decider.ts';

/** Says what has to happen. Called again with the result applied, it answers `[]`. */
export function decide(
  state: ForwardProxyState,
  considered: Considered<'ForwardProxy'>,
): readonly ForwardProxyEvent[] {
  if (considered === null) {
    return state.status === 'absent' ? [] : [{ type: 'ForwardProxyRemoved', uid: state.uid }];
  }
  const { decided, outcome } = considered;
  if (state.status !== 'absent' && isDecidedAlready(state, decided)) return [];

  if (outcome.accepted) {
    return [{ type: 'ForwardProxyConfigured', ...decided, config: outcome.config }];
  }
  const { reason, message } = outcome;
  const rejected = { type: 'ForwardProxyRejected', ...decided, reason, message } as const;
  // Deleted and made again in one go: what another resource of this name served must not stay.
  const isAnother = state.status !== 'absent' && state.uid !== decided.uid;
  return isAnother ? [{ type: 'ForwardProxyRemoved', uid: state.uid }, rejected] : [rejected];
}

/** `inputs` tells, not the generation: a rotated Secret or a freed port moves no generation. */
function isDecidedAlready(last: Decided, newest: Decided): boolean {
  if (last.inputs === newest.inputs) return true;
  return last.uid === newest.uid && newest.generation < last.generation;
}
