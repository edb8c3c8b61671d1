/**
 * Every way a request, a tunnel or an event can fail. `code` is an RFC 9209 error type where one
 * fits, otherwise one of our few extras (last group). It is never renamed: metric labels, log
 * fields, `Proxy-Status` and status reasons all use it.
 */
type ErrorFacts = {
  readonly side: 'client' | 'upstream' | 'config' | 'self';
  readonly retryable: boolean;
  readonly status: number;
  /** RFC 1928 §6 */
  readonly socks5: number;
  /** SOCKS4: 90 granted, 91 rejected or failed */
  readonly socks4: number;
};

const client = { side: 'client', retryable: false, socks5: 2, socks4: 91 } as const;
const upstream = { side: 'upstream', retryable: true, socks5: 1, socks4: 91 } as const;

export const errorCodes = {
  dns_timeout: { ...upstream, status: 504, socks5: 4 },
  dns_error: { ...upstream, status: 502, socks5: 4 },
  destination_unavailable: { ...upstream, status: 503, socks5: 4 },
  destination_ip_prohibited: { ...client, status: 403 },
  destination_ip_unroutable: { ...upstream, status: 502, socks5: 3 },
  connection_refused: { ...upstream, status: 502, socks5: 5 },
  connection_terminated: { ...upstream, status: 502 },
  connection_timeout: { ...upstream, status: 504, socks5: 4 },
  connection_read_timeout: { ...upstream, status: 504, socks5: 4 },
  connection_write_timeout: { ...upstream, status: 504, socks5: 4 },
  connection_limit_reached: { ...client, retryable: true, status: 503, socks5: 1 },
  tls_protocol_error: { ...upstream, retryable: false, status: 502 },
  tls_certificate_error: { ...upstream, retryable: false, status: 502 },
  tls_alert_received: { ...upstream, retryable: false, status: 502 },
  http_request_denied: { ...client, status: 403 },
  http_request_error: { ...client, status: 400, socks5: 1 },
  http_response_incomplete: { ...upstream, status: 502 },
  http_response_header_section_size: { ...upstream, retryable: false, status: 502 },
  http_response_timeout: { ...upstream, status: 504 },
  http_upgrade_failed: { ...upstream, status: 502 },
  http_protocol_error: { ...upstream, retryable: false, status: 502 },
  proxy_internal_error: { side: 'self', retryable: false, status: 500, socks5: 1, socks4: 91 },
  proxy_configuration_error: {
    side: 'config',
    retryable: false,
    status: 500,
    socks5: 1,
    socks4: 91,
  },
  proxy_loop_detected: { ...client, status: 502, socks5: 1 },

  authentication_required: { ...client, status: 407, socks5: 1 },
  authentication_rate_limited: { ...client, retryable: true, status: 429, socks5: 1 },
  authentication_overloaded: { side: 'self', retryable: true, status: 503, socks5: 1, socks4: 91 },
  client_address_denied: { ...client, status: 403 },
  port_denied: { ...client, status: 403 },
  route_not_found: { ...client, status: 404 },
  method_not_allowed: { ...client, status: 405, socks5: 7 },
  method_not_implemented: { ...client, status: 501, socks5: 7 },
  address_type_unsupported: { ...client, status: 400, socks5: 8 },
  transfer_coding_unsupported: { ...client, status: 501, socks5: 1 },
  version_unsupported: { ...client, status: 505, socks5: 1 },
  request_target_too_long: { ...client, status: 414, socks5: 1 },
  request_headers_too_large: { ...client, status: 431, socks5: 1 },
  expectation_failed: { ...client, status: 417, socks5: 1 },
  request_timeout: { ...client, retryable: true, status: 408, socks5: 1 },
  event_malformed: { side: 'self', retryable: false, status: 500, socks5: 1, socks4: 91 },
} as const satisfies Record<string, ErrorFacts>;

export type ErrorCode = keyof typeof errorCodes;

/** RFC 9209 §2.3: the types a `Proxy-Status` header may name as they are. Ours go out as the nearest. */
export function isRfc9209(code: ErrorCode): boolean {
  return /^(dns|destination|connection|tls|http|proxy)_/.test(code);
}

/** The one error class: `code` for programs, `message` for people, `cause` always goes along. */
export class ProxyError extends Error {
  readonly code: ErrorCode;

  constructor(message: string, { code, cause }: { code: ErrorCode; cause?: unknown }) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'ProxyError';
    this.code = code;
  }
}
