import test from 'ava';
import {
  formatTarget,
  normaliseHost,
  parseAbsoluteForm,
  parseAuthority,
  targetOf,
} from './target.ts';

const label = (length: number) => 'a'.repeat(length);
const longest = `${`${label(49)}.`.repeat(5)}abc`; // 253

const hosts: ReadonlyArray<readonly [string, string | null]> = [
  ['a', 'a'],
  ['api.example.com', 'api.example.com'],
  // T12: one normal form.
  ['API.Example.COM', 'api.example.com'],
  ['example.com.', 'example.com'],
  ['münchen.example', 'xn--mnchen-3ya.example'],
  ['MÜNCHEN.example.', 'xn--mnchen-3ya.example'],
  ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['a。example', 'a.example'],
  ['_sip._tcp.example', '_sip._tcp.example'],
  ['under_score.example', 'under_score.example'],
  ['-a.example', '-a.example'],
  ['1.example', '1.example'],
  ['1e3', '1e3'],
  ['0x7f.example', '0x7f.example'],
  // T11: numbers that some resolver reads as an address.
  ['127.0.0.1', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['0177.0.0.1', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['0X7F000001', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['0x7f', '0.0.0.127'],
  ['0x', '0.0.0.0'],
  ['0', '0.0.0.0'],
  ['１２７.0.0.1', '127.0.0.1'],
  ['4294967296', null],
  ['256.1.1.1', null],
  ['1.2.3.4.5', null],
  ['example.1', null],
  ['09.1', null],
  // T10: brackets in, none inside.
  ['[::1]', '::1'],
  ['[2001:DB8:0::1]', '2001:db8::1'],
  ['[::ffff:127.0.0.1]', '127.0.0.1'],
  ['::1', null],
  ['[::1', null],
  ['[::1].', null],
  ['[127.0.0.1]', null],
  ['[fe80::1%25eth0]', null],
  ['[fe80::1%eth0]', null],
  ['[v1.a]', null],
  ['[]', null],
  // What a URL or a resolver would read in a way of its own.
  ['', null],
  ['.', null],
  ['..', null],
  ['.a', null],
  ['a..', null],
  ['a..b', null],
  ['*', null],
  ['*.example.com', null],
  ['a,b', null],
  ["a'b", null],
  ['a%62', null],
  ['%31', null],
  ['a b', null],
  ['a\tb', null],
  ['a\nb', null],
  ['a\0b', null],
  ['a\x7fb', null],
  ['a/b', null],
  ['a\\b', null],
  ['a?b', null],
  ['a#b', null],
  ['u@a', null],
  ['a:b', null],
  ['a<b', null],
  ['a\u200db.example', null],
  // RFC 1035 §2.3.4
  [`${label(63)}.example`, `${label(63)}.example`],
  [`${label(64)}.example`, null],
  [longest, longest],
  [`${longest}.`, longest],
  [`${longest}d`, null],
  [`${longest}..`, null],
];

test('a host has one spelling, and what is neither name nor address is refused', (t) => {
  for (const [raw, expected] of hosts) t.is(normaliseHost(raw), expected, JSON.stringify(raw));
});

test('normalising what is normal changes nothing', (t) => {
  for (const [, host] of hosts) {
    if (host !== null && !host.includes(':')) t.is(normaliseHost(host), host);
  }
});

test('an address in any spelling is known to be one', (t) => {
  for (const raw of ['127.1', '0x7f000001', '[::ffff:7f00:1]', '127.0.0.1.']) {
    t.is(targetOf(raw, 80)?.ip?.text, '127.0.0.1', raw);
  }
  t.is(targetOf('example.com', 80)?.ip, null);
});

const authorities: ReadonlyArray<readonly [string, string | null]> = [
  ['e.example:443', 'e.example:443'],
  ['E.Example.:443', 'e.example:443'],
  ['e.example:080', 'e.example:80'],
  ['e.example:65535', 'e.example:65535'],
  ['[::1]:443', '[::1]:443'],
  ['[::ffff:127.0.0.1]:443', '127.0.0.1:443'],
  ['127.1:443', '127.0.0.1:443'],
  // C1
  ['', null],
  ['e.example', null],
  ['e.example:', null],
  ['e.example:0', null],
  ['e.example:65536', null],
  ['e.example:99999', null],
  ['e.example:4294967739', null], // 443 + 2³²
  ['e.example:-1', null],
  ['e.example:+443', null],
  ['e.example:4e2', null],
  ['e.example:443 ', null],
  ['e.example:https', null],
  [':443', null],
  ['*', null],
  ['*:443', null],
  ['/', null],
  ['/path:80', null],
  ['e.example:443/', null],
  ['e.example:443?q', null],
  ['e.example:443#f', null],
  ['http://e.example:80', null],
  ['http://e.example:80/', null],
  ['u:p@e.example:443', null],
  ['u@e.example:443', null],
  ['a:b:443', null],
  // C2
  ['::1:443', null],
  ['[::1]', null],
  ['[::1]443', null],
  ['[fe80::1%25lo]:443', null],
  // Bytes above ASCII reach us as Latin-1, so a name in UTF-8 would become another name.
  ['m\u00c3\u00bcnchen.example:443', null],
];

test('C1, C2: a CONNECT names a host and a port and nothing else', (t) => {
  for (const [text, expected] of authorities) {
    const target = parseAuthority(text);
    t.is(target && formatTarget(target), expected, JSON.stringify(text));
  }
});

const absolute: ReadonlyArray<readonly [string, string, string]> = [
  // T8: an empty path stays empty here; whoever forwards it writes "/".
  ['http://a.example', 'a.example:80', ''],
  ['http://a.example?q=1', 'a.example:80', '?q=1'],
  ['HTTP://A.Example/P', 'a.example:80', '/P'],
  // T13
  ['http://a.example:/', 'a.example:80', '/'],
  ['http://a.example:080/', 'a.example:80', '/'],
  ['http://a.example:65535/', 'a.example:65535', '/'],
  // T9: bytes of path and query are nobody's business.
  ['http://a.example/%2F/../b//c;d=e?x=/?&y=%00', 'a.example:80', '/%2F/../b//c;d=e?x=/?&y=%00'],
  ['http://a.example/u@b:80', 'a.example:80', '/u@b:80'],
  ['http://a.example?http://b.example/', 'a.example:80', '?http://b.example/'],
  // T10
  ['http://[::1]', '[::1]:80', ''],
  ['http://[::1]:8080/', '[::1]:8080', '/'],
  ['http://[::ffff:127.0.0.1]/', '127.0.0.1:80', '/'],
  // T11
  ['http://0x7f.1/', '127.0.0.1:80', '/'],
  ['http://2130706433:81/', '127.0.0.1:81', '/'],
];

test('T8 to T12: a target is cut into what decides and what is passed on byte for byte', (t) => {
  for (const [text, where, rest] of absolute) {
    const form = parseAbsoluteForm(text);
    if ('problem' in form) t.fail(`${text}: ${form.problem}`);
    else t.deepEqual([formatTarget(form.target), form.pathAndQuery], [where, rest], text);
  }
});

const refused: ReadonlyArray<readonly [string, RegExp]> = [
  // T4, T18
  ['/', /must be absolute/],
  ['/path', /must be absolute/],
  ['//a.example/', /must be absolute/],
  ['*', /must be absolute/],
  // T5, T6
  ['https://a.example/', /use CONNECT/],
  ['HTTPS://a.example/', /use CONNECT/],
  ['ftp://a.example/', /only http/],
  ['file:///etc/passwd', /only http/],
  ['gopher://a.example/', /only http/],
  ['javascript:alert(1)', /only http/],
  ['http:a.example', /only http/],
  ['http:/a.example', /only http/],
  ['a.example:80', /only http/],
  ['', /only http/],
  // T7
  ['http://u@a.example/', /user information/],
  ['http://u:p@a.example/', /user information/],
  ['http://@a.example/', /user information/],
  // T13
  ['http://a.example:0/', /port/],
  ['http://a.example:65536/', /port/],
  ['http://a.example:80:81/', /port/],
  ['http://a.example:+80/', /port/],
  ['http://::1/', /port/],
  // T14
  ['http://a.example/#f', /fragment/],
  ['http://a.example#', /fragment/],
  ['http://a.example/?q#f', /fragment/],
  ['http://a.example/b c', /percent-encoded/],
  ['http://a.example/\u00c3\u00bc', /percent-encoded/],
  ['http://m\u00c3\u00bcnchen.example/', /percent-encoded/],
  // T3 and hosts that end early or late
  ['http://', /host/],
  ['http:///path', /host/],
  ['http://?q', /host/],
  ['http://:80/', /host/],
  ['http://a\\b.example/', /host/],
  ['http://a.example\\@b.example/', /user information/],
  ['http://%61.example/', /host/],
  ['http://[::1]80/', /host/],
  ['http://[::1/', /port|host/],
  ['http://a]:80/', /host/],
  ['http://[fe80::1%25lo]/', /host/],
];

test('T3 to T7, T13, T14: a target that means two things is refused in words', (t) => {
  for (const [text, expected] of refused) {
    const form = parseAbsoluteForm(text);
    t.regex(
      'problem' in form ? form.problem : `taken: ${formatTarget(form.target)}`,
      expected,
      text,
    );
  }
});

test('a target is written as a URL writes it', (t) => {
  t.is(formatTarget({ host: 'a.example', port: 80, ip: null }), 'a.example:80');
  t.is(formatTarget({ host: '::1', port: 80, ip: null }), '[::1]:80');
});
