import { InvalidArgumentError, Option } from 'commander';

export type HostPort = { readonly host: string; readonly port: number };

/** `HOST:PORT`, `[::1]:PORT`. */
export function parseHostPort(text: string): HostPort {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new InvalidArgumentError('write HOST:PORT, for IPv6 [::1]:PORT.');
  }
  return { host, port: Number(port) };
}

/** For options that may be given again: `HOST:PORT`, as it was written. */
export function collectHostPorts(text: string, before: readonly string[]): readonly string[] {
  parseHostPort(text);
  return [...before, text];
}

export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** A parser for whole numbers within limits. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`);
    }
    return value;
  };
}

export function dnsLabel(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('lower-case letters, digits and hyphens are needed.');
}

/** Where the event log is; the same for every command. */
export type LogPlace = {
  readonly data: string;
  readonly nats?: string;
  readonly logName: string;
};

export const dataOption = () =>
  new Option('--data <dir>', 'directory of the event log and the sealing key').default(
    './.headgate',
  );

export const natsOption = () =>
  new Option(
    '--nats <url>',
    'keep the event log in NATS JetStream instead: nats://[user:password@]host:port',
  );

export const logNameOption = () =>
  new Option('--log-name <name>', 'name of the event log in NATS')
    .default('headgate')
    .argParser(dnsLabel);

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';
