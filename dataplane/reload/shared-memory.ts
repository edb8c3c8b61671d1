import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { Wanted } from '../kinds/wanted.ts';
import { clientCountsMemory } from '../limits/client-counts.ts';
import { copyBudgetMemory } from '../limits/copy-budget.ts';
import { idleBoardMemory } from '../limits/idle-board.ts';
import { limitsMemory } from '../limits/shared-limits.ts';
import type { ServedResource } from '../workers/messages.ts';

/** What the threads that serve a resource account for together. It outlives versions of the resource. */
export type SharedMemory = Pick<ServedResource<Kind>, 'limits' | 'idle' | 'clients' | 'budgets'>;

/**
 * The memory of a version of a resource: that of the one it follows, as far as that has it. `running`:
 * what is served now, `null`: nothing is. What a version that was refused would have had is no matter.
 */
export function sharedMemory(
  workers: number,
  running: SharedMemory | null,
  { countsClients, budgets: names }: Pick<Wanted, 'countsClients' | 'budgets'>,
): SharedMemory {
  const { limits, idle, clients, budgets } = running ?? {
    limits: limitsMemory(workers),
    idle: idleBoardMemory(workers),
    clients: null,
    budgets: {},
  };
  return {
    limits,
    idle,
    clients: clients ?? (countsClients ? clientCountsMemory(workers) : null),
    budgets: Object.fromEntries(
      names.map((name) => [name, budgets[name] ?? copyBudgetMemory(workers)]),
    ),
  };
}
