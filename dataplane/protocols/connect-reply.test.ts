import test from 'ava';
import { type ErrorCode, errorCodes } from '../../contracts/errors.ts';
import { established, httpRefusal, refusalText } from './connect-reply.ts';
import { fieldValue } from './http-fields.ts';

const codes = Object.keys(errorCodes) as readonly ErrorCode[];
const by = { proxy: 'egress.team-a', realm: null };

/** RFC 9209 §2.3, all of it. */
const registered: ReadonlySet<string> = new Set(
  [
    ['dns_timeout', 'dns_error'],
    ['destination_not_found', 'destination_unavailable'],
    ['destination_ip_prohibited', 'destination_ip_unroutable'],
    ['connection_refused', 'connection_terminated', 'connection_timeout'],
    ['connection_read_timeout', 'connection_write_timeout', 'connection_limit_reached'],
    ['tls_protocol_error', 'tls_certificate_error', 'tls_alert_received'],
    ['http_request_error', 'http_request_denied', 'http_response_incomplete'],
    ['http_response_header_section_size', 'http_response_header_size'],
    ['http_response_body_size', 'http_response_trailer_section_size'],
    ['http_response_trailer_size', 'http_response_transfer_coding'],
    ['http_response_content_coding', 'http_response_timeout', 'http_upgrade_failed'],
    ['http_protocol_error', 'proxy_internal_response', 'proxy_internal_error'],
    ['proxy_configuration_error', 'proxy_loop_detected'],
  ].flat(),
);

test('C8: a success is a status line and nothing else', (t) => {
  t.is(established, 'HTTP/1.1 200 Connection Established\r\n\r\n');
});

test('every refusal has its status, a reason, and a Proxy-Status of a registered type', (t) => {
  for (const code of codes) {
    const { status, reason, fields } = httpRefusal(code, 'because', by);
    t.is(status, errorCodes[code].status, code);
    t.not(reason, 'Error', code);
    const [, type = ''] =
      /^egress\.team-a; error=([a-z_]+); details="because"$/.exec(
        fieldValue(fields, 'proxy-status') ?? '',
      ) ?? [];
    t.true(registered.has(type), `${code} goes out as "${type}"`);
    if (registered.has(code)) t.is(type, code);
  }
});

test('H20: no refusal is a 421, and a challenge goes with every 407 and with nothing else', (t) => {
  for (const code of codes) {
    const { status, fields } = httpRefusal(code, 'because', by);
    t.not(status, 421);
    t.is(fieldValue(fields, 'proxy-authenticate') !== null, status === 407, code);
  }
});

test('a challenge names the realm, quoted', (t) => {
  const challenge = (realm: string | null) =>
    fieldValue(
      httpRefusal('authentication_required', 'who?', { ...by, realm }).fields,
      'proxy-authenticate',
    );

  t.is(challenge(null), 'Basic realm="proxy", charset="UTF-8"');
  t.is(challenge('a "b" \\'), 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"');
  t.is(challenge('x\r\nSet-Cookie: y'), 'Basic realm="x??Set-Cookie: y", charset="UTF-8"');
});

test('what may help later says when', (t) => {
  const retryAfter = (code: ErrorCode) =>
    fieldValue(httpRefusal(code, 'later', by).fields, 'retry-after');

  t.is(retryAfter('authentication_rate_limited'), '60');
  t.is(retryAfter('connection_limit_reached'), '1');
  t.is(retryAfter('http_request_denied'), null);
});

const tokens: ReadonlyArray<readonly [string, string]> = [
  ['egress.team-a', 'egress.team-a'],
  ['9lives', 'h-9lives'],
  ['', 'h-'],
  ['a b"c;d', 'a-b-c-d'],
  ['zürich', 'z-rich'],
  ['x\r\ny', 'x--y'],
];

test('a pseudonym of any kind becomes a token', (t) => {
  for (const [proxy, token] of tokens) {
    const { fields } = httpRefusal('dns_error', 'x', { proxy, realm: null });
    t.is(fieldValue(fields, 'proxy-status'), `${token}; error=dns_error; details="x"`);
  }
});

test('nothing a client or a server sent can end a header line', (t) => {
  const refusal = httpRefusal('dns_error', 'no "x\r\nSet-Cookie: a=b\u0000\u00fc"', by);
  const text = refusalText(refusal, 'close');
  const [head = '', body = ''] = text.split(/\r\n\r\n/);

  t.is(head.split('\r\n').length, 5);
  t.notRegex(head, /^Set-Cookie/m);
  t.regex(head, /^[\x20-\x7e\r\n]*$/);
  t.true(body.endsWith('\n'));
});

test('an answer says how long it is, in bytes, and whether the connection goes on', (t) => {
  const refusal = httpRefusal('http_request_denied', 'größe: "x" is denied', by);

  t.is(
    refusalText(refusal, 'keep-alive'),
    [
      'HTTP/1.1 403 Forbidden',
      'Content-Type: text/plain; charset=utf-8',
      'Proxy-Status: egress.team-a; error=http_request_denied; details="gr??e: \\"x\\" is denied"',
      `Content-Length: ${Buffer.byteLength('größe: "x" is denied\n')}`,
      'Connection: keep-alive',
      '',
      'größe: "x" is denied\n',
    ].join('\r\n'),
  );
});
