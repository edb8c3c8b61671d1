import type { PortRange } from '../../contracts/kinds/forward-proxy/config.ts';
import { parseDuration, parsePorts, parseQuantity } from '../../contracts/units.ts';
import { readHostPattern } from './host-pattern.ts';
import { normaliseAddress, normaliseCidr } from './networks.ts';

/** What is wrong with one field, for the person who wrote it. */
export type FieldProblem = { readonly field: string; readonly message: string };

/** What pods serve for a spec, or all the fields that stand in the way. */
export type Resolution<Config> =
  | { readonly config: Config }
  /** `problem` is the first of `problems`. */
  | { readonly problem: FieldProblem; readonly problems: readonly FieldProblem[] };

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

  /** `ofAddress` says where an address belongs, if not here. */
  function hosts(
    field: string,
    written: readonly string[] = [],
    ofAddress: (address: string) => string = underCidrs,
  ): readonly string[] {
    return written.flatMap((pattern, index) => {
      const read = readHostPattern(pattern);
      if ('host' in read) return [read.host];
      const isAddress = 'address' in read;
      refuse(
        `${field}[${index}]`,
        isAddress ? `"${pattern}" is an address: ${ofAddress(read.address)}` : read.problem,
      );
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

  /** The configuration made of what was read, unless something of it could not be. */
  function resolve<Config>(config: Config): Resolution<Config> {
    const [problem] = problems;
    return problem === undefined ? { config } : { problem, problems };
  }

  return { refuse, cidrs, address, hosts, ports, durationMs, bytes, resolve };
}

function underCidrs(address: string): string {
  return `list it under cidrs, as ${address}/${address.includes(':') ? 128 : 32}`;
}

const mebibyte = 1_048_576;

function sizeText(bytes: number): string {
  if (bytes === 0 || bytes % 1024 !== 0) return String(bytes);
  return bytes % mebibyte === 0 ? `${bytes / mebibyte}Mi` : `${bytes / 1024}Ki`;
}
