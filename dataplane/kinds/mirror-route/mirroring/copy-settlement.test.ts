import test from 'ava';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { settlementOf } from './copy-settlement.ts';

test('a mirror fails when nothing proper comes of it, or a gateway says so', (t) => {
  const failures: readonly ErrorCode[] = [
    'connection_refused',
    'connection_timeout',
    'connection_terminated',
    'destination_ip_unroutable',
    'http_response_timeout',
    'http_response_incomplete',
    'http_response_header_section_size',
    'http_protocol_error',
  ];
  for (const code of failures) t.is(settlementOf(code, null), 'failed', code);
  for (const status of [502, 503, 504]) t.is(settlementOf('answered', status), 'failed');
});

test('any other answer is one', (t) => {
  for (const status of [200, 204, 301, 404, 429, 500, 501]) {
    t.is(settlementOf('answered', status), 'answered');
  }
});

test('what went wrong on our side says nothing of the mirror', (t) => {
  const ours: readonly ErrorCode[] = [
    'connection_limit_reached',
    'http_request_error',
    'proxy_internal_error',
  ];
  for (const code of ours) t.is(settlementOf(code, null), 'unknown', code);
});
