import { type HealthReport, maxTroubles } from '../contracts/health-report.ts';
import type { Kind } from '../contracts/kinds/all-kinds.ts';
import { troublesOf } from './kinds/troubles.ts';
import type { ServedResource } from './workers/messages.ts';

/** How the parts of what this pod serves are. */
export type HealthWatch = Disposable & {
  /** Looks now. */
  look(): HealthReport;
};

const lookMs = 1_000;

/** Looks once a second, and calls back when something has changed since the last look, whoever looked. */
export function watchHealth(
  served: () => Iterable<ServedResource<Kind>>,
  onChange: () => void,
): HealthWatch {
  let last: HealthReport = { troubles: [], troubleCount: 0 };

  function look(): HealthReport {
    const nowMs = Date.now();
    const troubles = [...served()].flatMap((resource) => troublesOf(resource, nowMs));
    last = { troubles: troubles.slice(0, maxTroubles), troubleCount: troubles.length };
    return last;
  }

  const timer = setInterval(() => {
    const before = JSON.stringify(last);
    if (JSON.stringify(look()) !== before) onChange();
  }, lookMs);
  return {
    look,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
