import type { PortRange } from './kinds/forward-proxy/config.ts';

const msPerUnit: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds of a GEP-2257 duration such as `1h30m` or `500ms`; `null` if it is none. */
export function parseDuration(text: string): number | null {
  if (!/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return null;
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/([0-9]+)(ms|h|m|s)/g)) {
    total += Number(amount) * (msPerUnit[unit] ?? 0);
  }
  return total;
}

const bytesPerSuffix: Readonly<Record<string, number>> = {
  '': 1,
  k: 1000,
  M: 1_000_000,
  Ki: 1024,
  Mi: 1_048_576,
};

/** Bytes of a resource.Quantity such as `16Ki`; `null` if it is none or no whole number of bytes. */
export function parseQuantity(quantity: string | number): number | null {
  const parts = /^([0-9]+(?:\.[0-9]+)?)(k|M|Ki|Mi)?$/.exec(String(quantity));
  if (parts === null) return null;
  const bytes = Number(parts[1]) * (bytesPerSuffix[parts[2] ?? ''] ?? 0);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** `443` or `"8000-8999"`, both ends included; `null` if it is neither, or runs backwards. */
export function parsePorts(ports: string | number): PortRange | null {
  const parts = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(String(ports));
  if (parts === null) return null;
  const from = Number(parts[1]);
  const to = Number(parts[2] ?? parts[1]);
  return from >= 1 && from <= to && to <= 65_535 ? { from, to } : null;
}
