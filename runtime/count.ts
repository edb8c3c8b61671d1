import { type LabelsOf, type MetricName, metricFacts } from '../contracts/metric-names.ts';

/**
 * Counting without locks or messages: each thread writes to memory pages of its own, which the main
 * thread reads when it is scraped (runtime/metrics.ts). A handle is looked up once per label set,
 * then adding is one addition.
 */
export type Meter = {
  /** Counters and gauges. */
  cell<Name extends MetricName>(name: Name, labels: LabelsOf<Name>, bound?: Bound): Cell;
  histogram<Name extends MetricName>(name: Name, labels: LabelsOf<Name>): HistogramCell;
  /** Series that go together when the scope is closed: gauges at once, what was counted after one more scrape. */
  scope(): MeterScope;
};

export type MeterScope = Omit<Meter, 'scope'> & { close(): void };

/**
 * So many values of a label are shown, over all threads; the rest is shown as `__other__`. What has
 * none (an empty value) takes no place.
 */
export type Bound = { readonly label: string; readonly max: number };

export const otherValues = '__other__';

/** What a thread tells the main thread. */
export type SeriesMessage =
  | {
      readonly type: 'series';
      readonly scope: number;
      readonly page: SharedArrayBuffer;
      readonly index: number;
      readonly name: MetricName;
      readonly labels: Readonly<Record<string, string>>;
      readonly bound: Bound | null;
    }
  | { readonly type: 'scopeClosed'; readonly scope: number };

/** Most scopes are of one resource and small, and there may be thousands: their first page is too. */
const cellsOfFirstPage = 32;
const cellsPerPage = 512;

export class Cell {
  readonly #page: Float64Array;
  readonly #index: number;

  constructor(page: Float64Array, index: number) {
    this.#page = page;
    this.#index = index;
  }

  add(amount: number): void {
    this.#page[this.#index] = (this.#page[this.#index] ?? 0) + amount;
  }

  set(value: number): void {
    this.#page[this.#index] = value;
  }
}

/** Cells in a row: one per bucket, then +Inf, then the sum. Not cumulative. */
export class HistogramCell {
  readonly #page: Float64Array;
  readonly #index: number;
  readonly #buckets: readonly number[];

  constructor(page: Float64Array, index: number, buckets: readonly number[]) {
    this.#page = page;
    this.#index = index;
    this.#buckets = buckets;
  }

  observe(value: number): void {
    const buckets = this.#buckets;
    let bucket = 0;
    while (bucket < buckets.length && value > (buckets[bucket] ?? 0)) bucket++;
    const at = this.#index + bucket;
    const sum = this.#index + buckets.length + 1;
    this.#page[at] = (this.#page[at] ?? 0) + 1;
    this.#page[sum] = (this.#page[sum] ?? 0) + value;
  }
}

export function createMeter(tell: (message: SeriesMessage) => void): Meter {
  let scopes = 0;
  const open = (): MeterScope => createScope(scopes++, tell);
  return { ...open(), scope: open };
}

function createScope(scope: number, tell: (message: SeriesMessage) => void): MeterScope {
  let page: Float64Array<ArrayBufferLike> = new Float64Array(0);
  let used = 0;
  const cells = new Map<string, Cell>();
  const histograms = new Map<string, HistogramCell>();

  function allocate(
    name: MetricName,
    labels: Readonly<Record<string, string>>,
    size: number,
    bound: Bound | null,
  ) {
    if (used + size > page.length) {
      const cellsOfPage = Math.max(size, page.length === 0 ? cellsOfFirstPage : cellsPerPage);
      page = new Float64Array(new SharedArrayBuffer(cellsOfPage * Float64Array.BYTES_PER_ELEMENT));
      used = 0;
    }
    const index = used;
    used += size;
    const shared = page.buffer;
    if (shared instanceof SharedArrayBuffer) {
      tell({ type: 'series', scope, page: shared, index, name, labels, bound });
    }
    return index;
  }

  return {
    cell(name, labels, bound) {
      const key = seriesKey(name, labels);
      let cell = cells.get(key);
      if (cell === undefined) {
        const index = allocate(name, labels, 1, bound ?? null);
        cell = new Cell(page, index);
        cells.set(key, cell);
      }
      return cell;
    },
    histogram(name, labels) {
      const key = seriesKey(name, labels);
      let histogram = histograms.get(key);
      if (histogram === undefined) {
        const buckets = metricFacts(name).buckets ?? [];
        const index = allocate(name, labels, buckets.length + 2, null);
        histogram = new HistogramCell(page, index, buckets);
        histograms.set(key, histogram);
      }
      return histogram;
    },
    close: () => tell({ type: 'scopeClosed', scope }),
  };
}

/** Equal for equal label sets, in whatever order they were written. */
export function seriesKey(name: MetricName, labels: Readonly<Record<string, string>>): string {
  let key: string = name;
  for (const label of metricFacts(name).labels) key += `\0${labels[label] ?? ''}`;
  return key;
}
