import test, { type ExecutionContext } from 'ava';
import { type ErrorCode, errorCodes } from '../../contracts/errors.ts';
import {
  maxMessageBytes,
  methodReply,
  type Parsed,
  parseGreeting,
  parsePassword,
  parseRequest4,
  parseRequest5,
  passwordReply,
  reply4,
  reply5,
  type SocksRequest,
} from './socks.ts';
import { formatTarget } from './target.ts';

const bytes = (...parts: readonly (number | string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))),
  );

/**
 * K10, K11: the message is cut at every byte: until the last one `null`, then always the same value,
 * whatever is glued to it.
 */
function parseAtEveryCut<Value>(
  t: ExecutionContext,
  parse: (bytes: Uint8Array) => Parsed<Value> | null,
  message: Uint8Array,
): Parsed<Value> | null {
  for (let length = 0; length < message.length; length++) {
    t.is(parse(message.subarray(0, length)), null, `${length} of ${message.length} bytes`);
  }
  const whole = parse(message);
  t.is(whole?.used, message.length);
  for (const glued of ['\0', 'GET / HTTP/1.1\r\n', '\x05\x01\0', message]) {
    t.deepEqual(parse(bytes(message, glued)), whole);
  }
  return whole;
}

test('a greeting offers methods', (t) => {
  t.like(parseAtEveryCut(t, parseGreeting, bytes(5, 1, 0)), { methods: [0] });
  t.like(parseAtEveryCut(t, parseGreeting, bytes(5, 3, 0, 1, 2)), { methods: [0, 1, 2] });
  const all = Array.from({ length: 255 }, (_, method) => method);
  t.like(parseAtEveryCut(t, parseGreeting, bytes(5, 255, Uint8Array.from(all))), { methods: all });
});

test('K2: a greeting without a method offers none', (t) => {
  t.deepEqual(parseGreeting(bytes(5, 0)), { used: 2, methods: [] });
});

const long = 'x'.repeat(255);
const credentials: ReadonlyArray<readonly [string, string]> = [
  ['u', 'p'],
  ['user', 'p:ss wörd'],
  [long, long],
  ['user', ''],
];

test('user and password come as lengths and bytes', (t) => {
  for (const [user, password] of credentials) {
    const userBytes = Buffer.from(user);
    const passwordBytes = Buffer.from(password);
    const message = bytes(1, userBytes.length, userBytes, passwordBytes.length, passwordBytes);
    t.deepEqual(parseAtEveryCut(t, parsePassword, message), {
      used: message.length,
      credentials: { user, password },
    });
  }
});

const badPasswords: Readonly<Record<string, Uint8Array>> = {
  'version 5 instead of 1': bytes(5, 1, 'u', 1, 'p'),
  'version 0': bytes(0, 1, 'u', 1, 'p'),
  'no user': bytes(1, 0, 1, 'p'),
  'a user that is not UTF-8': bytes(1, 1, 0xff, 1, 'p'),
  'a password that is not UTF-8': bytes(1, 1, 'u', 2, 0xc3, 0x28),
};

for (const [what, message] of Object.entries(badPasswords)) {
  test(`K5: ${what} is refused, not waited for`, (t) => {
    t.is(parsePassword(message)?.credentials, null);
  });
}

test('K5: a wrong version is known by its first byte', (t) => {
  t.deepEqual(parsePassword(bytes(5)), { used: 1, credentials: null });
});

const named5 = (name: string | Uint8Array, port: readonly number[] = [1, 187]): Buffer => {
  const nameBytes = Buffer.from(name);
  return bytes(5, 1, 0, 3, nameBytes.length, nameBytes, ...port);
};
const six = (...words: readonly number[]): Uint8Array =>
  Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));

const targets5: ReadonlyArray<readonly [string, Uint8Array]> = [
  ['10.0.0.1:443', bytes(5, 1, 0, 1, 10, 0, 0, 1, 1, 187)],
  ['255.255.255.255:65535', bytes(5, 1, 0, 1, 255, 255, 255, 255, 255, 255)],
  ['0.0.0.0:1', bytes(5, 1, 0, 1, 0, 0, 0, 0, 0, 1)],
  ['10.0.0.1:443', bytes(5, 1, 0xff, 1, 10, 0, 0, 1, 1, 187)], // RSV is not looked at
  // K9: byte-exact, mapped addresses folded
  ['[2001:db8::1]:443', bytes(5, 1, 0, 4, six(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 1, 187)],
  ['[::]:443', bytes(5, 1, 0, 4, six(0, 0, 0, 0, 0, 0, 0, 0), 1, 187)],
  ['10.0.0.1:443', bytes(5, 1, 0, 4, six(0, 0, 0, 0, 0, 0xffff, 0xa00, 1), 1, 187)],
  // K8: names, and addresses written as names
  ['a:443', named5('a')],
  ['api.example.com:443', named5('API.example.com')],
  ['api.example.com:443', named5('api.example.com.')],
  ['xn--mnchen-3ya.example:443', named5('münchen.example')],
  ['10.0.0.1:443', named5('10.0.0.1')],
  ['127.0.0.1:443', named5('0x7f.1')],
  ['127.0.0.1:443', named5('0x7f000001')],
  ['127.0.0.1:443', named5('2130706433')],
  ['[::1]:443', named5('::1')],
  ['[::1]:443', named5('[::1]')],
  ['127.0.0.1:443', named5('::ffff:127.0.0.1')],
  [
    `${`${'a'.repeat(62)}.`.repeat(4)}`.slice(0, -1).concat(':443'),
    named5(`${'a'.repeat(62)}.`.repeat(4)),
  ],
];

test('K9, K10, K11: a SOCKS5 request is the same however it is cut', (t) => {
  for (const [target, message] of targets5) {
    const request = parseAtEveryCut(t, parseRequest5, message);
    t.is(request?.target && formatTarget(request.target), target);
    t.like(request, { version: 'SOCKS5', userId: null, problem: null });
  }
});

const refused5: ReadonlyArray<readonly [string, Uint8Array, ErrorCode]> = [
  ['K6: BIND', bytes(5, 2, 0, 1, 10, 0, 0, 1, 1, 187), 'method_not_allowed'],
  ['K6: UDP ASSOCIATE', bytes(5, 3, 0, 1, 0, 0, 0, 0, 0, 0), 'method_not_allowed'],
  ['K6: command 0', bytes(5, 0, 0, 1, 10, 0, 0, 1, 1, 187), 'method_not_allowed'],
  ['K7: address type 9', bytes(5, 1, 0, 9), 'address_type_unsupported'],
  ['K7: address type 0', bytes(5, 1, 0, 0), 'address_type_unsupported'],
  ['K7: address type 2', bytes(5, 1, 0, 2), 'address_type_unsupported'],
  ['K1: another version', bytes(4, 1, 0, 1, 10, 0, 0, 1, 1, 187), 'http_request_error'],
  ['K18: port 0', bytes(5, 1, 0, 1, 10, 0, 0, 1, 0, 0), 'http_request_error'],
  ['K18: port 0 of a name', named5('a.example', [0, 0]), 'http_request_error'],
  ['K8: an empty name', named5(''), 'http_request_error'],
  ['K8: a name with NUL', named5('a.example\0.evil'), 'http_request_error'],
  ['K8: a name with a space', named5('a example'), 'http_request_error'],
  ['K8: a name with a line end', named5('a.example\r\n'), 'http_request_error'],
  ['K8: a name of dots', named5('...'), 'http_request_error'],
  ['K8: 255 bytes in one label', named5(long), 'http_request_error'],
  ['K8: a name that is not UTF-8', named5(Buffer.of(0xff, 0x61)), 'http_request_error'],
  ['K8: an address with a zone', named5('fe80::1%eth0'), 'http_request_error'],
  ['K8: a host and a port', named5('a.example:80'), 'http_request_error'],
  ['K8: a URL', named5('http://a.example/'), 'http_request_error'],
];

for (const [what, message, problem] of refused5) {
  test(`${what} is refused as ${problem}`, (t) => {
    t.deepEqual(parseRequest5(message), {
      used: message.length,
      version: 'SOCKS5',
      userId: null,
      target: null,
      problem,
    });
  });
}

const request4 = (
  address: readonly number[],
  userId: string,
  name: string | Uint8Array | null = null,
  { command = 1, port = [1, 187] } = {},
): Buffer => bytes(4, command, ...port, ...address, userId, 0, ...(name === null ? [] : [name, 0]));

const targets4: ReadonlyArray<readonly [Partial<SocksRequest>, string, Uint8Array]> = [
  [{ version: 'SOCKS4', userId: null }, '10.0.0.1:443', request4([10, 0, 0, 1], '')],
  [{ version: 'SOCKS4', userId: 'bob' }, '10.0.0.1:443', request4([10, 0, 0, 1], 'bob')],
  [{ version: 'SOCKS4', userId: long }, '10.0.0.1:443', request4([10, 0, 0, 1], long)],
  // K14: 0.0.0.0 is an address, 0.0.0.1 announces a name
  [{ version: 'SOCKS4' }, '0.0.0.0:443', request4([0, 0, 0, 0], '')],
  [{ version: 'SOCKS4' }, '0.0.1.1:443', request4([0, 0, 1, 1], '')],
  [{ version: 'SOCKS4a' }, 'a.example:443', request4([0, 0, 0, 1], '', 'a.example')],
  [
    { version: 'SOCKS4a', userId: 'bob' },
    'a.example:443',
    request4([0, 0, 0, 255], 'bob', 'A.example.'),
  ],
  [{ version: 'SOCKS4a' }, '127.0.0.1:443', request4([0, 0, 0, 7], '', '127.1')],
  [
    { version: 'SOCKS4a', userId: long },
    'b.example:443',
    request4([0, 0, 0, 7], long, 'b.example'),
  ],
];

test('K10, K11, K14: a SOCKS4 or 4a request is the same however it is cut', (t) => {
  for (const [facts, target, message] of targets4) {
    const request = parseAtEveryCut(t, parseRequest4, message);
    t.is(request?.target && formatTarget(request.target), target);
    t.like(request, { ...facts, problem: null });
  }
});

const refused4: ReadonlyArray<readonly [string, Uint8Array, ErrorCode]> = [
  ['K6: BIND', request4([10, 0, 0, 1], '', null, { command: 2 }), 'method_not_allowed'],
  [
    'K6: BIND by name',
    request4([0, 0, 0, 1], '', 'a.example', { command: 2 }),
    'method_not_allowed',
  ],
  ['K18: port 0', request4([10, 0, 0, 1], '', null, { port: [0, 0] }), 'http_request_error'],
  ['K8: an empty name', request4([0, 0, 0, 1], '', ''), 'http_request_error'],
  ['K8: a name with a space', request4([0, 0, 0, 1], '', 'a b'), 'http_request_error'],
  ['K8: a name of 255 bytes in one label', request4([0, 0, 0, 1], '', long), 'http_request_error'],
  [
    'K8: a name that is not UTF-8',
    request4([0, 0, 0, 1], '', Buffer.of(0xff)),
    'http_request_error',
  ],
];

for (const [what, message, problem] of refused4) {
  test(`${what} is refused over SOCKS4 as ${problem}`, (t) => {
    t.like(parseRequest4(message), { used: message.length, target: null, problem });
  });
}

const endless: Readonly<Record<string, (length: number) => Uint8Array>> = {
  'user id': (length) => bytes(4, 1, 1, 187, 10, 0, 0, 1, 'x'.repeat(length)),
  '4a user id': (length) => bytes(4, 1, 1, 187, 0, 0, 0, 1, 'x'.repeat(length)),
  '4a name': (length) => bytes(4, 1, 1, 187, 0, 0, 0, 1, 0, 'x'.repeat(length)),
};

for (const [what, message] of Object.entries(endless)) {
  test(`K13: a ${what} without end is refused after 255 bytes`, (t) => {
    t.is(parseRequest4(message(255)), null);
    t.like(parseRequest4(message(256)), { target: null, problem: 'http_request_error' });
    t.like(parseRequest4(bytes(message(256), 0, 0)), { problem: 'http_request_error' });
    t.like(parseRequest4(message(1_000_000)), { target: null, problem: 'http_request_error' });
  });
}

test('no parser waits for more than the longest message', (t) => {
  for (const fill of [0, 1, 3, 4, 5, 0x20, 0x61, 0xff]) {
    const noise = new Uint8Array(maxMessageBytes).fill(fill);
    noise[4] = 255; // the longest name
    for (const parse of [parseGreeting, parsePassword, parseRequest5, parseRequest4]) {
      t.not(parse(noise), null, `${parse.name} of ${fill}`);
    }
  }
});

test('K3: method and password replies are two bytes', (t) => {
  t.deepEqual([...methodReply(0xff)], [5, 0xff]);
  t.deepEqual([...methodReply(2)], [5, 2]);
  t.deepEqual([...passwordReply(true)], [1, 0]);
  t.not(passwordReply(false)[1], 0);
});

test('K6, K15: every SOCKS5 reply has ten bytes and a code of RFC 1928', (t) => {
  t.deepEqual([...reply5(null)], [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  t.deepEqual([...reply5('method_not_allowed')], [5, 7, 0, 1, 0, 0, 0, 0, 0, 0]);
  t.is(reply5('address_type_unsupported')[1], 8);
  t.is(reply5('http_request_denied')[1], 2);
  t.is(reply5('destination_ip_prohibited')[1], 2);
  t.is(reply5('destination_ip_unroutable')[1], 3);
  t.is(reply5('dns_error')[1], 4);
  t.is(reply5('connection_timeout')[1], 4);
  t.is(reply5('connection_refused')[1], 5);
});

test('K4, K15: every SOCKS4 reply has eight bytes, the first of them zero', (t) => {
  t.deepEqual([...reply4(null)], [0, 0x5a, 0, 0, 0, 0, 0, 0]);
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    t.deepEqual([...reply4(code)], [0, 0x5b, 0, 0, 0, 0, 0, 0], code);
  }
});
