import { operatorMetrics } from './operator-metrics.ts';
import { podMetrics } from './pod-metrics.ts';

/** A metric's type, help and labels. */
type MetricFacts = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in base units. */
  readonly buckets?: readonly number[];
};

/** What every process of ours shows. */
const processMetrics = {
  headgate_log_dropped_total: {
    type: 'counter',
    help: 'Lines of the process log lost because their reader was too slow.',
    labels: [],
  },
} as const;

/** What a process does decides which metrics it shows; `headgate up` does both. */
export type Role = 'pod' | 'operator';

/** Every metric. Dashboards, alert rules and docs/metrics.md are built from this table. */
export const metrics = {
  ...podMetrics,
  ...operatorMetrics,
  ...processMetrics,
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof metrics;
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in (typeof metrics)[Name]['labels'][number]]: string;
};

export function metricFacts(name: MetricName): MetricFacts {
  return metrics[name];
}

/** Whether a process with this role shows the metric. */
export function isShownBy(role: Role, name: MetricName): boolean {
  if (Object.hasOwn(processMetrics, name)) return true;
  return Object.hasOwn(role === 'pod' ? podMetrics : operatorMetrics, name);
}
