import test from 'ava';
import { decodeUtf8, parseBasic } from './basic-credentials.ts';

const encoded = (...bytes: readonly (string | number)[]): string =>
  Buffer.concat(
    bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))),
  ).toString('base64');

const accepted: ReadonlyArray<readonly [string, string, string]> = [
  ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin', 'open sesame'],
  ['Basic dGVzdDoxMjPCow==', 'test', '123£'],
  ['basic dTpw', 'u', 'p'],
  ['BASIC    dTpw', 'u', 'p'],
  ['  Basic dTpw  ', 'u', 'p'],
  [`Basic ${encoded('user:pass:word')}`, 'user', 'pass:word'],
  [`Basic ${encoded('user:')}`, 'user', ''],
  [`Basic ${encoded(':pass')}`, '', 'pass'],
  // Padding is a habit, not a need; some clients use the alphabet of URLs.
  [`Basic ${encoded('user:pa').replaceAll('=', '')}`, 'user', 'pa'],
  ['Basic dTp-', 'u', '~'],
  [`Basic ${encoded('u:', 0xef, 0xbf, 0xbd).replaceAll('/', '_')}`, 'u', '\ufffd'],
  // A byte order mark is a character like any other: two users stay two.
  [`Basic ${encoded('\ufeffuser:p')}`, '\ufeffuser', 'p'],
];

test('user and password are what the base64 says, up to the first colon', (t) => {
  for (const [value, user, password] of accepted) {
    t.deepEqual(parseBasic(value), { user, password }, value);
  }
});

const malformed: readonly string[] = [
  '',
  'Basic',
  'Basic ',
  'Basic =',
  'Basic ====',
  'Basic A',
  'Basic dTpwA',
  'Basic dTpw===',
  'Basic dT=pw',
  'Basic dTp w',
  'Basic dTpw, Basic dTpw',
  'Basic dTpw; charset=utf-8',
  'Basic\tdTpw',
  'Basicd dTpw',
  'Bearer dTpw',
  'Digest username="u"',
  'dTpw',
  'u:p',
  `Basic ${encoded('no colon')}`,
  `Basic ${encoded(0xff, 0xfe, ':p')}`,
  `Basic ${encoded('u:', 0xc0, 0x80)}`, // an overlong NUL
  `Basic ${encoded('u:p', 0)}`,
  `Basic ${encoded('u\r\n:p')}`,
  `Basic ${encoded('u:p', 0x7f)}`,
  `Basic ${encoded(`u:${'p'.repeat(4096)}`)}`,
];

test('C23: another scheme and anything malformed are no credentials', (t) => {
  t.is(parseBasic(null), null);
  for (const value of malformed) t.is(parseBasic(value), null, JSON.stringify(value));
});

test('bytes that are not UTF-8 are no text', (t) => {
  t.is(decodeUtf8(Uint8Array.of(0xc3, 0xbc)), 'ü');
  t.is(decodeUtf8(Uint8Array.of()), '');
  for (const bytes of [[0xc3], [0x80], [0xff], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    t.is(decodeUtf8(Uint8Array.from(bytes)), null, bytes.join(' '));
  }
});
