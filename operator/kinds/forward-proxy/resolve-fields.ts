import type { PortRange } from '../../../contracts/kinds/forward-proxy/config.ts';
import { parseDuration, parsePorts, parseQuantity } from '../../../contracts/units.ts';
import { normaliseHostPattern } from './host-pattern.ts';
import { normaliseAddress, normaliseCidr } from './networks.ts';

/** What is wrong with one field, for the person who wrote it. */
export type FieldProblem = { readonly field: string; readonly message: string };

/** Reads single fields; what cannot be read is remembered, and something harmless stands in for it. */
export type FieldReader = ReturnType<typeof createFieldReader>;

export function createFieldReader() {
  const problems: FieldProblem[] = [];

  function refuse(field: string, message: string): void {
    problems.push({ field, message });
  }

  function cidrs(field: string, written: readonly string[] = []): readonly string[] {
    return written.flatMap((text, index) => {
      const network = normaliseCidr(text);
      if (network !== null) return [network];
      refuse(`${field}[${index}]`, `"${text}" is not a network such as 10.0.0.0/8 or fd00::/8`);
      return [];
    });
  }

  function address(field: string, text: string): string {
    const found = normaliseAddress(text);
    if (found !== null) return found;
    refuse(field, `"${text}" is not an IP address such as 127.0.0.1 or ::`);
    return text;
  }

  function hosts(field: string, written: readonly string[] = []): readonly string[] {
    return written.flatMap((pattern, index) => {
      const found = normaliseHostPattern(pattern);
      if ('host' in found) return [found.host];
      refuse(`${field}[${index}]`, found.problem);
      return [];
    });
  }

  function ports(
    field: string,
    written: ReadonlyArray<string | number> = [],
  ): readonly PortRange[] {
    return written.flatMap((text, index) => {
      const range = parsePorts(text);
      if (range !== null) return [range];
      refuse(
        `${field}[${index}]`,
        `"${text}" is neither a port (1-65535) nor a range such as "8000-8999"`,
      );
      return [];
    });
  }

  function durationMs(field: string, text: string): number {
    const ms = parseDuration(text);
    if (ms === null) refuse(field, `"${text}" is not a duration such as 500ms, 30s or 1h30m`);
    return ms ?? 0;
  }

  function bytes(field: string, quantity: string | number, min: number, max: number): number {
    const size = parseQuantity(quantity);
    if (size !== null && size >= min && size <= max) return size;
    refuse(field, `"${quantity}" is not a size from ${sizeText(min)} to ${sizeText(max)}`);
    return min;
  }

  return { problems, refuse, cidrs, address, hosts, ports, durationMs, bytes };
}

function sizeText(bytes: number): string {
  return bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes);
}
