import { type Finding, finding, type ReasonOf } from '../../../contracts/conditions.ts';
import type { Serving } from '../../../contracts/kinds/lifecycle.ts';
import type { MirrorRouteConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import {
  type MirrorState,
  mirrorId,
  mirrorStates,
} from '../../../contracts/kinds/mirror-route/mirror-state.ts';
import { type Health, type HealthFacts, nothingKnown } from '../health.ts';

/** How each mirror of the version in force fares: as badly as in that live pod where it fares worst. */
export function health(
  { config, generation }: Serving<MirrorRouteConfig>,
  facts: HealthFacts,
  before: Health['mirrors'],
): Health {
  const mirrors = config.rules.flatMap((rule) =>
    rule.mirrors.flatMap((mirror) => {
      const name = mirrorId(rule, mirror);
      const unresolved = config.unresolved.some((each) => each.mirror === name);
      const state = unresolved ? 'Unresolved' : stateOf(name, facts, before);
      return state === null ? [] : [{ name, state }];
    }),
  );
  return mirrors.length === 0
    ? nothingKnown
    : { mirrors, findings: [findHealthy(mirrors, generation)] };
}

/** `null`: nobody knows. */
function stateOf(
  name: string,
  { troubles, isTold, isIncomplete }: HealthFacts,
  before: Health['mirrors'],
): MirrorState | null {
  const told = troubles.filter(({ part }) => part === name).map(({ state }) => state);
  const worst = mirrorStates.find((state) => told.includes(state));
  if (worst !== undefined) return worst;
  const known = before.find((mirror) => mirror.name === name);
  if (isIncomplete && known !== undefined) return known.state;
  return isTold ? 'Active' : null;
}

type Unhealthy = Exclude<ReasonOf<'MirrorHealthy'>, 'Healthy'>;

/** What is said first stands in `reason`. */
const unhealthy: ReadonlyArray<readonly [MirrorState, reason: Unhealthy, words: string]> = [
  ['BreakerOpen', 'BreakerOpen', 'left alone for a while because they keep failing'],
  ['BudgetExhausted', 'BudgetExhausted', 'losing copies because their limits are used up'],
  ['NoEndpoints', 'NoEndpoints', 'served by nobody'],
  ['Unresolved', 'NoEndpoints', 'not there, see ResolvedRefs'],
];

function findHealthy(mirrors: Health['mirrors'], generation: number): Finding {
  const found = unhealthy.flatMap(([state, reason, words]) => {
    const names = mirrors.filter((mirror) => mirror.state === state).map(({ name }) => name);
    return names.length === 0 ? [] : [{ reason, message: `${words}: ${list(names)}` }];
  });
  const [first] = found;
  if (first === undefined) return finding('MirrorHealthy', 'True', 'Healthy', generation, '');
  const message = `mirrors ${found.map((each) => each.message).join('; ')}`;
  return finding('MirrorHealthy', 'False', first.reason, generation, message);
}

const mostNames = 5;

function list(names: readonly string[]): string {
  const more = names.length - mostNames;
  return names.slice(0, mostNames).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
