import type { Trouble } from '../../../../contracts/health-report.ts';
import type { MirrorConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import {
  type MirrorState,
  mirrorId,
} from '../../../../contracts/kinds/mirror-route/mirror-state.ts';
import { formatKey } from '../../../../contracts/resource-key.ts';
import { type CopyBudgetView, viewCopyBudget } from '../../../limits/copy-budget.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import { type KnownEndpoints, servesPort } from '../pick-endpoint.ts';

/** A copy that was dropped so long ago says nothing of now. */
const exhaustedForMs = 10_000;

/** Mirrors that get no copies now, or not all they should, over all threads of this pod. */
export function mirrorTroubles(
  resource: ServedResource<'MirrorRoute'>,
  nowMs: number,
): readonly Trouble[] {
  const { config, endpoints, budgets } = resource;
  return config.rules.flatMap((rule) =>
    rule.mirrors.flatMap((mirror) => {
      const part = mirrorId(rule, mirror);
      const memory = budgets[part];
      const budget = memory === undefined ? null : viewCopyBudget(memory);
      const state = stateOf(mirror, endpoints, budget, nowMs);
      return state === 'Active' ? [] : [{ resource: formatKey(resource), part, state }];
    }),
  );
}

function stateOf(
  { origin: { service, port }, circuitBreaker }: MirrorConfig,
  endpoints: KnownEndpoints,
  budget: CopyBudgetView | null,
  nowMs: number,
): MirrorState {
  if (service !== null && !servesPort(endpoints, service, port)) return 'NoEndpoints';
  if (budget === null) return 'Active';
  if (budget.admits(circuitBreaker, nowMs) !== 'all') return 'BreakerOpen';
  return nowMs - budget.exhaustedAtMs() < exhaustedForMs ? 'BudgetExhausted' : 'Active';
}
