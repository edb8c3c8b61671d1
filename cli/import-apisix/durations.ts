const msPerUnit: ReadonlyArray<readonly [unit: string, ms: number]> = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

/**
 * Milliseconds of a time as nginx and Go write it: `2000ms`, `1m30s`, `1.5s`; without a unit it is
 * seconds. `null` if it is none.
 */
export function parseTime(text: string): number | null {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  if (!/^([0-9]+(\.[0-9]+)?(ms|[smhd]) ?)+$/.test(text)) return null;
  let total = 0;
  for (const [, amount = '', unit] of text.matchAll(/([0-9.]+)(ms|[smhd])/g)) {
    const days = unit === 'd' ? 24 : 1;
    const [, ms = 0] = msPerUnit.find(([name]) => name === (unit === 'd' ? 'h' : unit)) ?? [];
    total += Number(amount) * ms * days;
  }
  return Math.ceil(total);
}

/** As GEP-2257 writes it, which a MirrorRoute takes: `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of msPerUnit) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text === '' ? '0s' : text;
}
