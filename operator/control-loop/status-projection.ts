import { type Finding, finding, stampConditions } from '../../contracts/conditions.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Propagation, ResourceStatus, StatusReported } from '../../contracts/status.ts';
import { deciders } from '../kinds/all-kinds.ts';
import type { RolloutFacts } from '../kinds/conditions.ts';
import type { Held } from './held.ts';

/** Why the operator cannot go on with a resource, though nothing is wrong with the resource. */
export type Obstacle = { readonly reason: 'LogFull' | 'LogUnavailable'; readonly message: string };

/** Where the version in force has got to. */
export type Reach = { readonly facts: RolloutFacts; readonly propagation: Propagation };

/** The status of a resource, from what the log and the pods say. `null` for what does not exist. Pure. */
export function projectStatus<K extends Kind>(
  { key, state, pool, inForce, lastEvent, firstSeenAt }: Held<K>,
  reach: Reach | null,
  obstacle: Obstacle | null,
  previous: ResourceStatus | null,
  now: string,
): StatusReported | null {
  if (state.status === 'absent') return null;
  const { uid, generation } = state;
  const found = deciders[key.kind].conditions(state, reach?.facts ?? null);
  const conditions = withObstacle(found, obstacle, generation);
  return {
    ...key,
    uid,
    generation,
    createdAt: firstSeenAt ?? now,
    pool,
    status: {
      observedGeneration: generation,
      configVersion: inForce?.sequence ?? null,
      configHash: inForce?.configHash ?? null,
      lastEvent,
      propagation: reach?.propagation ?? null,
      conditions: stampConditions(conditions, previous?.conditions ?? [], now),
    },
  };
}

/** A status and another with the same significance need not both be written: counts of a rollout under way move all the time. */
export function significanceOf({ uid, pool, status }: StatusReported): string {
  const { observedGeneration, configVersion, lastEvent, propagation, conditions } = status;
  const state = propagation?.state === 'Partial' ? 'Pending' : propagation?.state;
  const findings = conditions.map(({ lastTransitionTime: _, ...rest }) => rest);
  return JSON.stringify([
    uid,
    pool,
    observedGeneration,
    configVersion,
    lastEvent?.seq,
    state,
    propagation?.nacked,
    findings,
  ]);
}

/** Whether waiting could still change what is said of it. */
export function isSettled({ status }: StatusReported): boolean {
  return !status.conditions.some(({ reason }) => reason === 'Pending');
}

function withObstacle(
  found: readonly Finding[],
  obstacle: Obstacle | null,
  generation: number,
): readonly Finding[] {
  if (obstacle === null) return found;
  return [
    ...found.filter(({ type }) => type !== 'Stalled'),
    finding('Stalled', 'True', obstacle.reason, generation, obstacle.message),
  ];
}
