import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import {
  isShownBy,
  type MetricName,
  metricFacts,
  metrics,
  type Role,
} from '../contracts/metric-names.ts';
import {
  type Bound,
  createMeter,
  type Meter,
  otherValues,
  type SeriesMessage,
  seriesKey,
} from './count.ts';

/** The main thread's view of every thread's pages, rendered for Prometheus when scraped. */
export type Metrics = {
  /** Takes what the meter of thread `thread` says. */
  receive(thread: number, message: SeriesMessage): void;
  /** A meter of this thread, for one part of the process: its scopes get into nobody's way. */
  meter(): Meter;
  /** A thread is gone: its counts stay, its gauges do not. */
  threadEnded(thread: number): void;
  /** Prometheus text format. */
  render(): Promise<string>;
  readonly contentType: string;
};

type Series = {
  /** `null` once its thread is gone: the next one numbers its scopes anew. */
  owner: { readonly thread: number; readonly scope: number } | null;
  readonly page: Float64Array;
  readonly index: number;
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  readonly bound: Bound | null;
  /** What was counted in a scope that was closed is shown once more, then forgotten. */
  closing: boolean;
};

/** Labels and their cells added up over all threads. */
type Total = { readonly labels: Readonly<Record<string, string>>; readonly values: number[] };

type MetricsOptions = {
  /** Add what Node and the operating system say of the process. */
  readonly processMetrics?: boolean;
  /** What this process does; nothing is shown of what others do. */
  readonly roles?: readonly Role[];
};

const bothRoles: readonly Role[] = ['pod', 'operator'];

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { processMetrics = true, roles = bothRoles } = options;
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const byName = new Map<MetricName, Set<Series>>();
  /** By thread and scope: one of ten thousand resources goes without a look at the others. */
  const byOwner = new Map<string, Set<Series>>();
  /** Of threads that are gone. */
  const ownerless = new Set<Series>();
  let meters = 0;
  for (const name of Object.keys(metrics)) {
    if (isMetricName(name) && roles.some((role) => isShownBy(role, name))) {
      byName.set(name, new Set());
      register(registry, name, () => totalsOf(name, byName.get(name) ?? new Set()));
    }
  }

  function* allSeries(): Iterable<Series> {
    for (const series of byName.values()) yield* series;
  }

  function receive(thread: number, message: SeriesMessage): void {
    const owner = { thread, scope: message.scope };
    const owned = byOwner.get(ownerKey(owner)) ?? new Set();
    if (message.type === 'scopeClosed') {
      byOwner.delete(ownerKey(owner));
      for (const series of owned) if (isGauge(series)) byName.get(series.name)?.delete(series);
      return closeScope(owned, ownerless);
    }
    const { scope: _, page, ...rest } = message;
    const series = { ...rest, owner, page: new Float64Array(page), closing: false };
    byName.get(series.name)?.add(series);
    byOwner.set(ownerKey(owner), owned.add(series));
  }

  return {
    receive,
    meter() {
      meters += 1;
      const notAThread = -meters; // threads count up from 0
      return createMeter((message) => receive(notAThread, message));
    },
    threadEnded(thread) {
      for (const series of allSeries()) {
        if (series.owner?.thread !== thread) continue;
        byOwner.delete(ownerKey(series.owner));
        series.owner = null;
        if (isGauge(series)) byName.get(series.name)?.delete(series);
        else ownerless.add(series);
      }
    },
    async render() {
      const last = [...allSeries()].filter(({ closing }) => closing);
      const text = await registry.metrics();
      for (const series of last) {
        byName.get(series.name)?.delete(series);
        ownerless.delete(series);
      }
      return text;
    },
    contentType: registry.contentType,
  };
}

function ownerKey({ thread, scope }: NonNullable<Series['owner']>): string {
  return `${thread}/${scope}`;
}

function isGauge({ name }: Series): boolean {
  return metricFacts(name).type === 'gauge';
}

/** What threads that are gone counted of a resource goes with the first scope that knew it. */
function closeScope(closing: ReadonlySet<Series>, ownerless: ReadonlySet<Series>): void {
  const resources = new Set([...closing].map(({ labels }) => labels['resource']));
  for (const series of closing) series.closing = true;
  for (const series of ownerless) {
    const { labels } = series;
    if ('resource' in labels && resources.has(labels['resource'])) series.closing = true;
  }
}

function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

function totalsOf(name: MetricName, all: ReadonlySet<Series>): readonly Total[] {
  const size = cellsOf(name);
  const totals = new Map<string, Total>();
  const shownLabels = boundLabels();
  for (const series of all) {
    const { page, index } = series;
    const labels = shownLabels(series);
    const key = seriesKey(name, labels);
    const total = totals.get(key) ?? { labels, values: new Array<number>(size).fill(0) };
    totals.set(key, total);
    for (let cell = 0; cell < size; cell++) {
      total.values[cell] = (total.values[cell] ?? 0) + (page[index + cell] ?? 0);
    }
  }
  return [...totals.values()];
}

/** Each thread shows as many values as it may; together they might show more. First come, first shown. */
function boundLabels(): (series: Series) => Series['labels'] {
  const shown = new Map<string, Set<string>>();
  return ({ name, labels, bound }) => {
    const value = bound === null ? '' : (labels[bound.label] ?? '');
    if (bound === null || value === '' || value === otherValues) return labels;
    const others = { ...labels, [bound.label]: otherValues };
    const key = seriesKey(name, others);
    const values = shown.get(key) ?? new Set();
    shown.set(key, values);
    if (values.size < bound.max) values.add(value);
    return values.has(value) ? labels : others;
  };
}

function cellsOf(name: MetricName): number {
  const { type, buckets = [] } = metricFacts(name);
  return type === 'histogram' ? buckets.length + 2 : 1;
}

function register(registry: Registry, name: MetricName, totals: () => readonly Total[]): void {
  const { type, help, labels } = metricFacts(name);
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (type) {
    case 'counter':
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const { labels: of, values } of totals()) this.inc(of, values[0] ?? 0);
        },
      });
      break;
    case 'gauge':
      new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const { labels: of, values } of totals()) this.set(of, values[0] ?? 0);
        },
      });
      break;
    case 'histogram':
      new PagedHistogram({ ...options, totals, bounds: metricFacts(name).buckets ?? [] });
      break;
  }
}

/** A histogram whose buckets live in pages instead of in prom-client. */
class PagedHistogram extends Histogram<string> {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #totals: () => readonly Total[];

  constructor({
    totals,
    bounds,
    ...options
  }: {
    name: string;
    help: string;
    labelNames: string[];
    registers: Registry[];
    totals: () => readonly Total[];
    bounds: readonly number[];
  }) {
    super({ ...options, buckets: [...bounds] });
    this.#name = options.name;
    this.#help = options.help;
    this.#bounds = bounds;
    this.#totals = totals;
  }

  /** What the registry renders. The library's types do not tell of it, so no compiler checks its name. */
  async getForPromString() {
    const values = this.#totals().flatMap(({ labels, values: cells }) => this.#rows(labels, cells));
    return { name: this.#name, help: this.#help, type: 'histogram', values };
  }

  #rows(labels: Readonly<Record<string, string>>, cells: readonly number[]) {
    let count = 0;
    const rows = [...this.#bounds, '+Inf'].map((le, bucket) => {
      count += cells[bucket] ?? 0;
      return { metricName: `${this.#name}_bucket`, labels: { ...labels, le }, value: count };
    });
    const sum = cells[this.#bounds.length + 1] ?? 0;
    return [
      ...rows,
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: count },
    ];
  }
}
