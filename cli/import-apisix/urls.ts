/** What is spoken to backends. */
export type Scheme = keyof typeof defaultPorts;

export const defaultPorts = { http: 80, https: 443 } as const;

export type Spoken = { readonly scheme: Scheme; readonly protocol: 'HTTP1' | 'HTTP2' };

export const plainHttp: Spoken = { scheme: 'http', protocol: 'HTTP1' };

const spokenByScheme: ReadonlyMap<string, Spoken> = new Map<string, Spoken>([
  ['http', plainHttp],
  ['https', { scheme: 'https', protocol: 'HTTP1' }],
  ['grpc', { scheme: 'http', protocol: 'HTTP2' }],
  ['grpcs', { scheme: 'https', protocol: 'HTTP2' }],
]);

/** By what APISIX calls a scheme; `null`: nothing that a MirrorRoute speaks. */
export function spokenBy(scheme: string): Spoken | null {
  return spokenByScheme.get(scheme) ?? null;
}

/** `http://host:port` as a MirrorRoute takes it: IPv6 in brackets, the default port left out. */
export function originUrl(scheme: Scheme, host: string, port: number): string {
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const origin = `${scheme}://${bracketed}`;
  return port === defaultPorts[scheme] ? origin : `${origin}:${port}`;
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** `host`, `host:port` or `[::1]:port`; `null` if it is neither. */
export function parseHostPort(
  text: string,
): { readonly host: string; readonly port: number | null } | null {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:/@\s]+)(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  if (host === undefined) return null;
  return { host, port: port === undefined ? null : Number(port) };
}

/** Where Headgate itself runs, which is not where APISIX ran. */
export function isLoopback(host: string): boolean {
  return /^(127\.|\[::1\]|localhost$)/.test(host);
}
