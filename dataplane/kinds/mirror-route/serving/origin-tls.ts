import type { OriginConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import { createUpstreamTls, type UpstreamTls } from '../../../net/upstream-tls.ts';

/** Origins are values of a configuration: what they come to is made once for each. */
const made = new WeakMap<OriginConfig, UpstreamTls>();

/** How an origin is to be spoken to; `null`: without TLS. */
export function tlsOf(origin: OriginConfig): UpstreamTls | null {
  if (origin.scheme === 'http') return null;
  const known = made.get(origin);
  if (known !== undefined) return known;
  const { hostname, minVersion, caCertificates } = origin.tls;
  const tls = createUpstreamTls({
    hostname,
    alpn: origin.protocol === 'HTTP2' ? 'h2' : 'http/1.1',
    minVersion,
    caCertificates: caCertificates?.flatMap(({ pem }) => pem ?? []) ?? null,
  });
  made.set(origin, tls);
  return tls;
}
