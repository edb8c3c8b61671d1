import type { MirrorConfig, OriginConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { parseIp } from '../../protocols/ip-address.ts';

/** The Host of a copy, where `host` is the one the primary leg sends. */
export function mirrorHost(
  { hostname, origin }: Pick<MirrorConfig, 'hostname' | 'origin'>,
  host: string,
): string {
  switch (hostname.mode) {
    case 'Preserve':
      return host;
    case 'Backend':
      return authority(origin);
    case 'Literal':
      return hostname.value;
    case 'Suffix':
      return withSuffix(host, hostname.value);
  }
}

/** The default port is left out, as clients do (RFC 9110 §7.2). */
function authority({ scheme, host, port }: OriginConfig): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === (scheme === 'http' ? 80 : 443) ? bracketed : `${bracketed}:${port}`;
}

/** Before the dot at the end and the port, if any. An address has no other name: it stays. */
function withSuffix(host: string, suffix: string): string {
  const [, name = '', rest = ''] = /^([^:]*?)(\.?(?::.*)?)$/.exec(host) ?? [];
  return host.startsWith('[') || name === '' || parseIp(name) !== null
    ? host
    : name + suffix + rest;
}
