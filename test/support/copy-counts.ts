import { isDeepStrictEqual } from 'node:util';
import type { HeadgateUp } from './headgate-up.ts';
import { seriesOf } from './metrics.ts';

/** What became of the requests that mirrors of a route might have been told of. */
export type CopyCounts = {
  /** Copies by outcome. */
  readonly sent: Readonly<Record<string, number>>;
  /** Requests by the reason why they were not copied. */
  readonly skipped: Readonly<Record<string, number>>;
};

export type CopyGauges = {
  readonly inflight: number;
  readonly queued: number;
  readonly bufferedBytes: number;
  readonly breakerOpen: number;
};

export const nothingHeld: CopyGauges = { inflight: 0, queued: 0, bufferedBytes: 0, breakerOpen: 0 };

/** Which mirrors are meant: those that have all of these labels. */
export type Mirrors = {
  /** `test/` and the name of the route. */
  readonly resource: string;
  readonly rule?: string;
  readonly mirror?: string;
};

export async function copyCounts(up: HeadgateUp, mirrors: Mirrors): Promise<CopyCounts> {
  return {
    sent: await byLabel(up, 'headgate_mirror_copies_total', 'outcome', mirrors),
    skipped: await byLabel(up, 'headgate_mirror_skipped_total', 'reason', mirrors),
  };
}

export async function copyGauges(up: HeadgateUp, mirrors: Mirrors): Promise<CopyGauges> {
  const now = async (name: string) =>
    total(await byLabel(up, `headgate_mirror_${name}`, 'mirror', mirrors));
  return {
    inflight: await now('inflight'),
    queued: await now('queued'),
    bufferedBytes: await now('buffered_bytes'),
    breakerOpen: await now('breaker_open'),
  };
}

const total = (values: Readonly<Record<string, number>>): number =>
  Object.values(values).reduce((sum, value) => sum + value, 0);

/** Values of a metric by one of its labels, zeroes left out. */
async function byLabel(
  up: HeadgateUp,
  name: string,
  label: string,
  mirrors: Mirrors,
): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const line of await seriesOf(up, name)) {
    const labels = Object.fromEntries(
      Array.from(line.matchAll(/(\w+)="([^"]*)"/g), ([, key = '', value]) => [key, value]),
    );
    const meant = Object.entries(mirrors).every(([key, value]) => labels[key] === value);
    const value = Number(line.slice(line.lastIndexOf(' ')));
    const of = labels[label];
    if (meant && of !== undefined && value !== 0) values[of] = (values[of] ?? 0) + value;
  }
  return values;
}

const deadlineMs = 60_000;

/** Waits until exactly this has become of the requests: things are counted when they have ended. */
export async function untilCopies(
  up: HeadgateUp,
  mirrors: Mirrors,
  { sent = {}, skipped = {} }: Partial<CopyCounts>,
): Promise<void> {
  await untilEqual(() => copyCounts(up, mirrors), { sent, skipped });
}

/** What has come of comparing answers so far, by result. */
export async function comparedCounts(
  up: HeadgateUp,
  mirrors: Mirrors,
): Promise<Readonly<Record<string, number>>> {
  return await byLabel(up, 'headgate_mirror_compared_total', 'result', mirrors);
}

/** Waits until exactly this has come of comparing answers, by result. */
export async function untilCompared(
  up: HeadgateUp,
  mirrors: Mirrors,
  results: Readonly<Record<string, number>>,
): Promise<void> {
  await untilEqual(() => comparedCounts(up, mirrors), results);
}

/** Waits until it is known of so many requests what became of them. */
export async function untilCounted(
  up: HeadgateUp,
  mirrors: Mirrors,
  requests: number,
): Promise<CopyCounts> {
  let counts = await copyCounts(up, mirrors);
  await untilEqual(async () => {
    counts = await copyCounts(up, mirrors);
    return total(counts.sent) + total(counts.skipped);
  }, requests);
  return counts;
}

export async function untilGauges(
  up: HeadgateUp,
  mirrors: Mirrors,
  gauges: CopyGauges,
): Promise<void> {
  await untilEqual(() => copyGauges(up, mirrors), gauges);
}

async function untilEqual(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const now = await look();
    if (isDeepStrictEqual(now, wanted)) return;
    if (performance.now() - startedMs > deadlineMs) {
      throw new Error(`it is ${JSON.stringify(now)}, not ${JSON.stringify(wanted)}`);
    }
  }
}
