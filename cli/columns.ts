import { styleText } from 'node:util';

/** Columns as kubectl prints them: upper-case heads, three blanks between, no lines. */
export function formatColumns(
  heads: readonly string[],
  rows: ReadonlyArray<readonly string[]>,
): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) =>
    Math.max(...all.map((row) => visibleLength(row[column] ?? ''))),
  );
  return all.map((row) => formatRow(row, widths)).join('\n');
}

function formatRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map(
      (cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - visibleLength(cell))),
    )
    .join('   ')
    .trimEnd();
}

function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  return text.replaceAll(/\u001b\[\d+m/g, '').length;
}

/** Colour only on a terminal, and not with NO_COLOR. */
export function paint(colour: 'green' | 'red' | 'yellow' | 'dim', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}

/** `True` green, `False` red, everything else yellow. */
export function paintStatus(status: string): string {
  if (status === 'True') return paint('green', status);
  return paint(status === 'False' ? 'red' : 'yellow', status);
}

/** `5s`, `3m12s`, `4h`, `12d`, as kubectl says it. */
export function formatAge(fromIso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(fromIso)) / 1000));
  if (!Number.isFinite(seconds)) return '<unknown>';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h`;
  return `${Math.floor(hours / 24)}d`;
}
