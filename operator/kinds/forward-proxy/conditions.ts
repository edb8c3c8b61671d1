import type { Finding } from '../../../contracts/conditions.ts';
import { type ForwardProxyState, lastGood } from '../../../contracts/kinds/forward-proxy/evolve.ts';
import { commonConditions, type RolloutFacts } from '../conditions.ts';

/** What a ForwardProxy has to say for itself: the conditions every kind has, so far. */
export function conditions(
  state: ForwardProxyState,
  rollout: RolloutFacts | null,
): readonly Finding[] {
  if (state.status === 'absent') return [];
  const { generation } = state;
  const refusal =
    state.status === 'rejected' ? { reason: state.reason, message: state.message } : null;
  return commonConditions(
    { generation, refusal, servingGeneration: lastGood(state)?.generation ?? null },
    rollout,
  );
}
