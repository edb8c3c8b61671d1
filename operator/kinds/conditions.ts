import type { Refusal as PodRefusal } from '../../contracts/acknowledgement.ts';
import {
  type Finding,
  finding,
  isReferenceProblem,
  type ReasonOf,
} from '../../contracts/conditions.ts';
import type { Kind, StateOf } from '../../contracts/kinds/all-kinds.ts';
import { lastGood } from '../../contracts/kinds/lifecycle.ts';

/** Where the version in force has arrived. Names of pods, of one pool. */
export type RolloutFacts = {
  readonly sequence: number;
  /** Live pods that serve it. */
  readonly acked: readonly string[];
  /** Live pods that have not said so yet. */
  readonly pending: readonly string[];
  /** Those of `pending` that have had more than ten seconds. */
  readonly behind: readonly string[];
  readonly refused: ReadonlyArray<{ readonly pod: string; readonly refusal: PodRefusal }>;
  /** Silent pods: they may serve an older version. */
  readonly unreachable: readonly string[];
  /** Too early to call anybody absent: the operator has just begun, or lost the log a moment ago. */
  readonly tooEarly: boolean;
};

/** Why the newest version was not taken over, if it was not. */
type Refusal = { readonly reason: string; readonly message: string } | null;

/** The conditions every kind has. */
export function conditionsOf(
  state: StateOf<Kind>,
  rollout: RolloutFacts | null,
): readonly Finding[] {
  if (state.status === 'absent') return [];
  const { generation } = state;
  const refusal =
    state.status === 'rejected' ? { reason: state.reason, message: state.message } : null;
  const servingGeneration = lastGood(state)?.generation ?? null;
  const programmed =
    servingGeneration === null || rollout === null
      ? finding('Programmed', 'False', 'NothingAccepted', generation, 'no version was accepted yet')
      : findProgrammed(servingGeneration, rollout);
  return [
    ...findAccepted(generation, refusal, servingGeneration),
    programmed,
    ...(rollout === null ? [] : findDegraded(programmed.observedGeneration, rollout)),
    ...findProgress(generation, refusal, programmed, rollout),
  ];
}

/**
 * Whether waiting helps. Never both: kstatus believes whichever it meets first. Without either it
 * calls a resource current, whatever `Programmed` says.
 */
function findProgress(
  generation: number,
  refusal: Refusal,
  programmed: Finding,
  rollout: RolloutFacts | null,
): readonly Finding[] {
  if (refusal !== null) {
    return [finding('Stalled', 'True', 'Refused', generation, refusal.message)];
  }
  if (programmed.status === 'True') return [];
  const { message } = programmed;
  const isRefused = rollout !== null && rollout.refused.length > 0;
  return isRefused
    ? [finding('Stalled', 'True', 'RefusedByPod', generation, message)]
    : [finding('Reconciling', 'True', 'Propagating', generation, message)];
}

function findAccepted(
  generation: number,
  refusal: Refusal,
  servingGeneration: number | null,
): readonly Finding[] {
  if (refusal === null) {
    return [
      finding('Accepted', 'True', 'Accepted', generation, ''),
      finding('ResolvedRefs', 'True', 'ResolvedRefs', generation, ''),
    ];
  }
  const { reason } = refusal;
  const message =
    servingGeneration === null
      ? refusal.message
      : `${refusal.message} (generation ${servingGeneration} stays in force)`;
  if (isReferenceProblem(reason)) {
    return [
      finding('Accepted', 'False', 'UnresolvedRefs', generation, message),
      finding('ResolvedRefs', 'False', reason, generation, message),
    ];
  }
  return [
    { type: 'Accepted', status: 'False', reason, observedGeneration: generation, message },
    finding('ResolvedRefs', 'Unknown', 'ResolvedRefs', generation, 'not looked at: see Accepted'),
  ];
}

function findProgrammed(generation: number, rollout: RolloutFacts): Finding {
  const { acked, pending, refused, unreachable, sequence, tooEarly } = rollout;
  const say = (status: 'True' | 'False', reason: ReasonOf<'Programmed'>, message: string) =>
    finding('Programmed', status, reason, generation, message);

  const [first] = refused;
  if (first !== undefined) {
    const more = refused.length === 1 ? '' : ` (and ${refused.length - 1} more pods)`;
    const reason = first.refusal.reason === 'Invalid' ? 'Rejected' : first.refusal.reason;
    return say('False', reason, `pod ${first.pod}: ${shorten(first.refusal.message)}${more}`);
  }
  if (pending.length > 0 || (acked.length === 0 && tooEarly)) {
    return say('False', 'Pending', `waiting until every pod serves sequence ${sequence}`);
  }
  if (acked.length === 0) {
    const silent = unreachable.length === 0 ? '' : `; silent: ${unreachable.join(', ')}`;
    return say('False', 'NoPods', `no live pod in this pool${silent}`);
  }
  if (unreachable.length > 0) {
    return say(
      'True',
      'ProgrammedExceptUnreachable',
      `every live pod serves sequence ${sequence}; silent and maybe older: ${unreachable.join(', ')}`,
    );
  }
  return say('True', 'Programmed', `every live pod serves sequence ${sequence}`);
}

function findDegraded(
  generation: number,
  { unreachable, behind }: RolloutFacts,
): readonly Finding[] {
  if (unreachable.length > 0) {
    const message = `not heard of for 10 s: ${unreachable.join(', ')}`;
    return [finding('Degraded', 'True', 'PodsUnreachable', generation, message)];
  }
  if (behind.length > 0) {
    const message = `more than 10 s behind: ${behind.join(', ')}`;
    return [finding('Degraded', 'True', 'PodsBehind', generation, message)];
  }
  return [];
}

/** Status objects live in etcd: a pod's words get 1 KiB. */
function shorten(message: string): string {
  return message.length <= 1024
    ? message
    : `${message.slice(0, 1000)}… (${message.length} characters)`;
}
