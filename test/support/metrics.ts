import type { HeadgateUp } from './headgate-up.ts';

/** The value of a series, written as `/metrics` writes it: `name{label="value"}`; 0 where there is none. */
export async function metricValue(up: HeadgateUp, series: string): Promise<number> {
  const lines = (await up.metrics()).split('\n');
  const line = lines.find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}

/** All series of a metric, as `/metrics` writes them. */
export async function seriesOf(up: HeadgateUp, name: string): Promise<readonly string[]> {
  const lines = (await up.metrics()).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

const deadlineMs = 60_000;

/** Waits until a series has this value: things are counted when they have ended, which their peer may see first. */
export async function untilMetric(up: HeadgateUp, series: string, value: number): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const now = await metricValue(up, series);
    if (now === value) return;
    if (performance.now() - startedMs > deadlineMs) {
      throw new Error(`${series} is ${now}, not ${value}`);
    }
  }
}
