import type { ErrorCode } from '../../contracts/errors.ts';

/** What an error of OpenSSL says of the other side, in our words; `null`: it is none. */
export function tlsCodeOf({ code = '' }: NodeJS.ErrnoException): ErrorCode | null {
  if (!/^ERR_(SSL|OSSL)_/.test(code)) return null;
  return code.includes('_ALERT_') ? 'tls_alert_received' : 'tls_protocol_error';
}
