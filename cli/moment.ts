import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../contracts/units.ts';

/** A point in the history of the log. */
export type Moment =
  | { readonly is: 'sequence'; readonly sequence: number }
  /** RFC 3339, UTC. */
  | { readonly is: 'time'; readonly time: string };

/** `120` or `2026-11-20T12:00:00Z`. */
export function parseMoment(text: string): Moment {
  if (/^\d{1,15}$/.test(text)) return { is: 'sequence', sequence: Number(text) };
  const time = parseTime(text);
  if (time !== null) return { is: 'time', time };
  throw new InvalidArgumentError('a sequence, or a time such as 2026-11-20T12:00:00Z, is needed.');
}

/** `30m`, `1h30m` before `nowMs`, or a time. */
export function parseSince(text: string, nowMs: number): string {
  const ms = parseDuration(text);
  const time = ms === null ? parseTime(text) : new Date(nowMs - ms).toISOString();
  if (time !== null) return time;
  throw new InvalidArgumentError(
    'a duration such as 30m or 2h, or a time such as 2026-11-20T12:00:00Z, is needed.',
  );
}

function parseTime(text: string): string | null {
  if (!/^\d{4}-\d\d-\d\d(T|$)/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** Order in the log is that of sequences: a time means the last that was written by then. */
export function sequenceAt(
  moment: Moment,
  written: ReadonlyArray<{ readonly sequence: number; readonly time: string }>,
): number {
  if (moment.is === 'sequence') return moment.sequence;
  const until = Date.parse(moment.time);
  return written.findLast(({ time }) => Date.parse(time) <= until)?.sequence ?? 0;
}
