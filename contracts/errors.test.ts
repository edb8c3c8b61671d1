import test from 'ava';
import { type ErrorCode, errorCodes, isRfc9209, ProxyError } from './errors.ts';

const codes = Object.entries(errorCodes);

test('every code has an HTTP status of an error and replies that SOCKS knows', (t) => {
  for (const [code, { status, socks5, socks4 }] of codes) {
    t.true(status >= 400 && status <= 505, code);
    t.true(socks5 >= 1 && socks5 <= 8, code);
    t.is(socks4, 91, code);
  }
});

test('what the client did wrong is a 4xx, what is wrong behind or within the proxy is a 5xx', (t) => {
  // Not the client's fault, but what it asked for cannot be had here.
  const exceptions = new Set(
    [
      ['connection_limit_reached', 'proxy_loop_detected', 'method_not_implemented'],
      ['transfer_coding_unsupported', 'version_unsupported'],
    ].flat(),
  );
  for (const [code, { side, status }] of codes) {
    if (!exceptions.has(code)) t.is(status < 500, side === 'client', code);
  }
});

/** Research §1.10: type → status, SOCKS5 reply. */
const vocabulary: ReadonlyArray<readonly [ErrorCode, number, number]> = [
  ['dns_timeout', 504, 4],
  ['dns_error', 502, 4],
  ['destination_unavailable', 503, 4],
  ['destination_ip_prohibited', 403, 2],
  ['destination_ip_unroutable', 502, 3],
  ['connection_refused', 502, 5],
  ['connection_terminated', 502, 1],
  ['connection_timeout', 504, 4],
  ['connection_read_timeout', 504, 4],
  ['connection_write_timeout', 504, 4],
  ['connection_limit_reached', 503, 1],
  ['http_request_denied', 403, 2],
  ['http_response_incomplete', 502, 1],
  ['http_response_timeout', 504, 1],
  ['http_upgrade_failed', 502, 1],
  ['http_protocol_error', 502, 1],
  ['proxy_internal_error', 500, 1],
  ['proxy_configuration_error', 500, 1],
  ['proxy_loop_detected', 502, 1],
];

test('the codes of RFC 9209 have the status and the reply of their type', (t) => {
  for (const [code, status, socks5] of vocabulary) {
    t.like(errorCodes[code], { status, socks5 }, code);
    t.true(isRfc9209(code), code);
  }
});

test('codes of our own are known as such', (t) => {
  for (const code of ['port_denied', 'client_address_denied', 'request_timeout'] as const) {
    t.false(isRfc9209(code));
  }
});

test('an error says what and why, and keeps what caused it', (t) => {
  const cause = new Error('ECONNREFUSED');
  const error = new ProxyError('no connection', { code: 'connection_refused', cause });

  t.like(error, {
    name: 'ProxyError',
    code: 'connection_refused',
    message: 'no connection',
    cause,
  });
  t.true(error instanceof Error);
  t.false('cause' in new ProxyError('x', { code: 'dns_error' }));
});
