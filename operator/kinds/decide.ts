import type { EventOf, Kind, StateOf } from '../../contracts/kinds/all-kinds.ts';
import type { Decided } from '../../contracts/kinds/decided.ts';
import type { Considered } from './decider.ts';

/** The `decide` of a kind: what has to happen. Called again with the result applied, it answers `[]`. */
export function decideAs<K extends Kind>(
  kind: K,
): (state: StateOf<K>, considered: Considered<K>) => readonly EventOf<K>[] {
  return (state, considered) => {
    if (considered === null) return state.status === 'absent' ? [] : [removed(kind, state.uid)];
    const { decided, outcome } = considered;
    if (state.status !== 'absent' && isDecidedAlready(state, decided)) return [];

    if (outcome.accepted) {
      return [{ type: `${kind}Configured`, ...decided, config: outcome.config }];
    }
    const { reason, message } = outcome;
    const rejected = { type: `${kind}Rejected`, ...decided, reason, message } as const;
    // Deleted and made again in one go: what another resource of this name served must not stay.
    const isAnother = state.status !== 'absent' && state.uid !== decided.uid;
    return isAnother ? [removed(kind, state.uid), rejected] : [rejected];
  };
}

function removed<K extends Kind>(kind: K, uid: string) {
  return { type: `${kind}Removed`, uid } as const;
}

/** `inputs` tells, not the generation: a rotated Secret or a freed port moves no generation. */
function isDecidedAlready(last: Decided, newest: Decided): boolean {
  if (last.inputs === newest.inputs) return true;
  return last.uid === newest.uid && newest.generation < last.generation;
}
