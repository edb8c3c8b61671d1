import { createOperatorMetrics } from '../../operator/metrics.ts';
import { createMetrics } from '../../runtime/metrics.ts';

/** Metrics of an operator of their own, and what is shown of them. */
export function startOperatorMetrics() {
  const shown = createMetrics({ processMetrics: false, roles: ['operator'] });
  const metrics = createOperatorMetrics(shown.meter());
  return { metrics, shown, values: async () => valuesOf(await shown.render()) };
}

/** Series → value, of everything but the buckets of histograms. */
function valuesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => !line.startsWith('#') && line.includes(' '));
  const parsed = lines.map((line) => /^(.*) (\S+)$/.exec(line) ?? []);
  return new Map(parsed.map(([, series = '', value]) => [series, Number(value)]));
}

/** The series that counts appends with this outcome. */
export function append(outcome: string): string {
  return `headgate_event_log_appends_total{outcome="${outcome}"}`;
}
