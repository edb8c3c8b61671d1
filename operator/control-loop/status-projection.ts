import {
  type Condition,
  type Finding,
  finding,
  stampConditions,
} from '../../contracts/conditions.ts';
import { allKinds, type Kind } from '../../contracts/kinds/all-kinds.ts';
import type {
  MirrorStatus,
  Propagation,
  ResourceStatus,
  StatusReported,
} from '../../contracts/status.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { RolloutFacts } from '../kinds/conditions.ts';
import { type Health, type HealthFacts, nothingKnown } from '../kinds/health.ts';
import type { Held } from './held.ts';
import type { Reported } from './statuses.ts';

/** Why the operator cannot go on with a resource, though nothing is wrong with the resource. */
export type Obstacle = {
  readonly reason: 'LogFull' | 'LogUnavailable';
  readonly message: string;
  /** The version that cannot be recorded, as far as the source gives it a name of its own. */
  readonly standsBefore: {
    readonly uid: string | null;
    readonly generation: number;
    readonly createdAt: string | null;
  };
};

/** Where the version in force has got to, and how it fares there. */
export type Reach = {
  readonly facts: RolloutFacts;
  readonly propagation: Propagation;
  readonly health: HealthFacts;
};

/** The status of a resource, from what the log and the pods say. `null` for what does not exist. Pure. */
export function projectStatus<K extends Kind>(
  held: Held<K>,
  reach: Reach | null,
  obstacle: Obstacle | null,
  previous: ResourceStatus | null,
  now: string,
  undoneGeneration = 0,
): StatusReported | null {
  const { key, state, pool, inForce, lastEvent, firstSeenAt } = held;
  if (obstacle !== null && isUnrecorded(held, obstacle)) {
    return projectUnrecorded(held, obstacle, previous, now);
  }
  if (state.status === 'absent') return null;
  const { uid } = state;
  // An older leader saw what its status says, also where that was no event.
  const seenBefore = speaksOf(previous, held) ? previous.observedGeneration : 0;
  const generation = Math.max(state.generation, undoneGeneration, seenBefore);
  const found = deciderOf(key.kind).conditions({ ...state, generation }, reach?.facts ?? null);
  const health = healthOf(held, reach, previous);
  const conditions = [...withObstacle(found, obstacle, generation), ...health.findings];
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
      ...stampMirrors(health.mirrors, previous?.mirrors ?? [], now),
      conditions: stampConditions(conditions, previous?.conditions ?? [], now),
    },
  };
}

function healthOf<K extends Kind>(
  { key, state }: Held<K>,
  reach: Reach | null,
  previous: ResourceStatus | null,
): Health {
  const serving = allKinds[key.kind].lastGood(state);
  if (serving === null || reach === null) return nothingKnown;
  return deciderOf(key.kind).health(serving, reach.health, previous?.mirrors ?? []);
}

/** Keeps the time of every mirror whose state did not change. */
function stampMirrors(
  found: Health['mirrors'],
  previous: readonly MirrorStatus[],
  now: string,
): Pick<ResourceStatus, 'mirrors'> {
  if (found.length === 0) return {};
  const mirrors = found.map((each) => {
    const before = previous.find(({ name }) => name === each.name);
    const unchanged = before?.state === each.state;
    return { ...each, lastTransitionTime: unchanged ? before.lastTransitionTime : now };
  });
  return { mirrors };
}

/** A resource of which the log knows nothing yet: without a status it would pass for finished. */
function isUnrecorded({ state }: Held, { standsBefore: { uid } }: Obstacle): boolean {
  return uid !== null && (state.status === 'absent' || state.uid !== uid);
}

function projectUnrecorded(
  { key }: Held,
  obstacle: Obstacle,
  previous: ResourceStatus | null,
  now: string,
): StatusReported {
  const { uid, generation, createdAt } = obstacle.standsBefore;
  return {
    ...key,
    uid: uid ?? '',
    generation,
    createdAt: createdAt ?? now,
    pool: '',
    status: {
      ...{ observedGeneration: 0, configVersion: null, configHash: null },
      ...{ lastEvent: null, propagation: null },
      conditions: stampConditions(
        withObstacle([], obstacle, generation),
        previous?.conditions ?? [],
        now,
      ),
    },
  };
}

/** Whether it says what became of the last event. */
export function speaksOf(
  status: ResourceStatus | null,
  { state, inForce, lastEvent }: Held,
): status is ResourceStatus {
  return (
    state.status !== 'absent' &&
    status !== null &&
    status.configVersion === (inForce?.sequence ?? null) &&
    status.lastEvent?.seq === lastEvent?.seq &&
    status.observedGeneration >= state.generation
  );
}

/** A status and another with the same significance need not both be written: counts of a rollout under way move all the time. */
export function significanceOf({ uid, pool, status }: Reported): string {
  const { observedGeneration, configVersion, lastEvent, propagation } = status;
  const state = propagation?.state === 'Partial' ? 'Pending' : propagation?.state;
  const findings = findingsIn(status, ({ type }) => type !== healthCondition);
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

/** The same of what only informs: how the mirrors of a resource fare. */
export function healthSignificanceOf({ status }: Reported): string {
  const states = status.mirrors?.map(({ name, state }) => [name, state]) ?? [];
  return JSON.stringify([states, findingsIn(status, ({ type }) => type === healthCondition)]);
}

/** Whether what it says of mirrors may be mended by time, or by less being said. */
export function isUnwell({ status }: StatusReported): boolean {
  return status.conditions.some((each) => each.type === healthCondition && each.status === 'False');
}

const healthCondition = 'MirrorHealthy';

/** An API server gives fields back and conditions in an order of its own. */
function findingsIn(
  { conditions }: ResourceStatus,
  isWanted: (condition: Condition) => boolean,
): readonly string[] {
  return conditions
    .filter(isWanted)
    .map(({ type, status, reason, observedGeneration, message }) =>
      JSON.stringify([type, status, reason, observedGeneration, message]),
    )
    .sort();
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
  // What is in the way is in the way of the newest version, decided upon or not.
  const standsBefore = Math.max(generation, obstacle.standsBefore.generation);
  return [
    ...found.filter(({ type }) => type !== 'Stalled' && type !== 'Reconciling'),
    finding('Stalled', 'True', obstacle.reason, standsBefore, obstacle.message),
  ];
}
