import type { ErrorCode } from '../../../../contracts/errors.ts';
import type { Cell, MeterScope } from '../../../../runtime/count.ts';
import type { Comparison } from '../compare-answers.ts';
import type { SkipReason } from './skip-reasons.ts';

/** What came of a copy that was sent. */
export type CopyOutcome = 'answered' | ErrorCode;

/** The counters of one mirror in one thread, looked up once. Gauges of all threads add up. */
export type MirrorMeters = {
  skipped(reason: SkipReason): void;
  ended(outcome: CopyOutcome): void;
  answeredAfter(seconds: number): void;
  compared(result: Comparison): void;
  readonly inflight: Cell;
  readonly queued: Cell;
  readonly bufferedBytes: Cell;
  /** Of the whole pod: only one thread may set it. */
  readonly breakerOpen: Cell;
};

export type MirrorLabels = {
  readonly resource: string;
  readonly rule: string;
  readonly mirror: string;
};

export function createMirrorMeters(scope: MeterScope, labels: MirrorLabels): MirrorMeters {
  const seconds = scope.histogram('headgate_mirror_duration_seconds', labels);
  const skipped = remembering((reason: SkipReason) =>
    scope.cell('headgate_mirror_skipped_total', { ...labels, reason }),
  );
  const ended = remembering((outcome: CopyOutcome) =>
    scope.cell('headgate_mirror_copies_total', { ...labels, outcome }),
  );
  const compared = remembering((result: Comparison) =>
    scope.cell('headgate_mirror_compared_total', { ...labels, result }),
  );
  return {
    skipped: (reason) => skipped(reason).add(1),
    ended: (outcome) => ended(outcome).add(1),
    answeredAfter: (duration) => seconds.observe(duration),
    compared: (result) => compared(result).add(1),
    inflight: scope.cell('headgate_mirror_inflight', labels),
    queued: scope.cell('headgate_mirror_queued', labels),
    bufferedBytes: scope.cell('headgate_mirror_buffered_bytes', labels),
    breakerOpen: scope.cell('headgate_mirror_breaker_open', labels),
  };
}

function remembering<Key extends string>(cellOf: (key: Key) => Cell): (key: Key) => Cell {
  const cells = new Map<Key, Cell>();
  return (key) => {
    const known = cells.get(key);
    if (known !== undefined) return known;
    const cell = cellOf(key);
    cells.set(key, cell);
    return cell;
  };
}
