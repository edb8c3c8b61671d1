import type { OriginConfig } from '../../../contracts/kinds/mirror-route/config.ts';

/** Whether certificates are missing by which its own would be checked: then nothing may be sent there. */
export function lacksCa(origin: OriginConfig): boolean {
  if (origin.scheme === 'http') return false;
  return origin.tls.caCertificates?.some(({ pem }) => pem === null) ?? false;
}
