import type { LabelsOf, MetricName, metrics } from '../../contracts/metric-names.ts';

/**
 * PromQL, built from contracts/metric-names.ts: a metric or label that does not exist does not
 * compile. The text of a query is read by people too, so these functions are few and plain.
 */
export type Query = string;

type Table = typeof metrics;
type NamesOf<Type> = {
  [Name in MetricName]: Table[Name]['type'] extends Type ? Name : never;
}[MetricName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;

/** What Node and the operating system say of a process; the names are prom-client's. */
export type ProcessMetric =
  | 'process_cpu_seconds_total'
  | 'process_resident_memory_bytes'
  | 'process_open_fds'
  | 'process_max_fds'
  | 'process_start_time_seconds'
  | 'nodejs_eventloop_lag_p99_seconds';

/** Labels that a scrape adds: which process it was, and where. */
type TargetLabel = 'namespace' | 'instance';
type LabelOf<Name extends MetricName> = keyof LabelsOf<Name> & string;
export type By<Name extends MetricName> = ReadonlyArray<LabelOf<Name> | TargetLabel>;
/** Label → its value, or with `~` before it a pattern. */
export type Where<Name extends MetricName> = { readonly [Label in LabelOf<Name>]?: string };

/** How far back rates look in a panel: Grafana fills it in, never less than four scrapes. */
const panelWindow = '$__rate_interval';

export function series<Name extends MetricName>(name: Name, where: Where<Name> = {}): Query {
  return select(name, where);
}

export function sum<Name extends GaugeName | CounterName>(
  name: Name,
  by: By<Name>,
  where: Where<Name> = {},
): Query {
  return `sum${grouping(by)}(${select(name, where)})`;
}

export function max<Name extends GaugeName>(
  name: Name,
  by: By<Name>,
  where: Where<Name> = {},
): Query {
  return `max${grouping(by)}(${select(name, where)})`;
}

export function min<Name extends GaugeName>(
  name: Name,
  by: By<Name>,
  where: Where<Name> = {},
): Query {
  return `min${grouping(by)}(${select(name, where)})`;
}

/** How often per second. */
export function rate<Name extends CounterName>(
  name: Name,
  by: By<Name>,
  where: Where<Name> = {},
  window = panelWindow,
): Query {
  return `sum${grouping(by)}(rate(${select(name, where)}[${window}]))`;
}

/** How often within `window`. */
export function increase<Name extends CounterName>(
  name: Name,
  by: By<Name>,
  window: string,
  where: Where<Name> = {},
): Query {
  return `sum${grouping(by)}(increase(${select(name, where)}[${window}]))`;
}

/** How often per second something took a time. */
export function observations<Name extends HistogramName>(
  name: Name,
  by: By<Name>,
  where: Where<Name> = {},
): Query {
  return `sum${grouping(by)}(rate(${select(`${name}_count`, where)}[${panelWindow}]))`;
}

/** The time that this share of all stayed below; 1 is the slowest. */
export function quantile<Name extends HistogramName>(
  share: number,
  name: Name,
  by: By<Name>,
  where: Where<Name> = {},
  window = panelWindow,
): Query {
  const buckets = select(`${name}_bucket`, where);
  return `histogram_quantile(${share}, sum${grouping([...by, 'le'])}(rate(${buckets}[${window}])))`;
}

/** Of these series those whose process has another one as well: every pod has `headgate_applied_sequence`. */
export function ofProcesses(query: Query, having: Query): Query {
  return `(${query} and on (namespace, instance) ${having})`;
}

/** What a process says of itself; a counter as its rate. */
export function processMetric(name: ProcessMetric): Query {
  return name.endsWith('_total') ? `rate(${name}[${panelWindow}])` : name;
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')}) `;
}

function select(name: string, where: Readonly<Record<string, string | undefined>>): Query {
  const matchers = Object.entries(where).flatMap(([label, value]) =>
    value === undefined ? [] : [matcher(label, value)],
  );
  return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`;
}

function matcher(label: string, value: string): string {
  return value.startsWith('~') ? `${label}=~"${value.slice(1)}"` : `${label}="${value}"`;
}
