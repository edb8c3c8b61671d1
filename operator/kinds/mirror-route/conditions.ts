import { type Finding, finding } from '../../../contracts/conditions.ts';
import type { StateOf } from '../../../contracts/kinds/all-kinds.ts';
import { conditionsOf, type RolloutFacts } from '../conditions.ts';
import { together } from './references.ts';

/** What every kind has to say, and which mirrors have nobody to send copies to, or nobody to trust. */
export function conditions(
  state: StateOf<'MirrorRoute'>,
  rollout: RolloutFacts | null,
): readonly Finding[] {
  const found = conditionsOf(state, rollout);
  if (state.status !== 'serving' || state.config.unresolved.length === 0) return found;
  const { reason, message } = together(state.config.unresolved);
  const unresolved = finding('ResolvedRefs', 'False', reason, state.generation, message);
  return found.map((each) => (each.type === 'ResolvedRefs' ? unresolved : each));
}
