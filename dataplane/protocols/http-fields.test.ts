import test from 'ava';
import type { ErrorCode } from '../../contracts/errors.ts';
import {
  connectionOptions,
  endToEndFields,
  fieldValue,
  findHeadProblem,
  passedThrough,
  type RequestHead,
} from './http-fields.ts';

const limits = { headerBytes: 1000, headerCount: 10, targetBytes: 100 };

const head = (fields: readonly string[], change: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  target: 'http://a.example/',
  httpVersion: '1.1',
  fields,
  ...change,
});
const host = ['Host', 'a.example'] as const;

const sound: Readonly<Record<string, RequestHead>> = {
  'nothing but a Host': head(host),
  'an HTTP/1.0 request without Host': head([], { httpVersion: '1.0' }),
  'a Host that differs from the target (T1)': head(['Host', 'other.example:99']),
  'an IPv6 Host': head(['Host', '[::1]:80']),
  'a chunked body': head([...host, 'Transfer-Encoding', ' Chunked ']),
  'a body of known length': head([...host, 'Content-Length', '5']),
  'CONNECT with a Content-Length of 0': head([...host, 'Content-Length', '00'], {
    method: 'CONNECT',
  }),
  'a Connection header that names fields of this hop': head([
    ...host,
    'Connection',
    'Keep-Alive, X-Foo, Upgrade',
  ]),
  'a length hidden behind an underscore (S25)': head([...host, 'Content_Length', '5']),
};

for (const [what, request] of Object.entries(sound)) {
  test(`${what} is no problem`, (t) => t.is(findHeadProblem(request, limits), null));
}

const problems: ReadonlyArray<readonly [string, RequestHead, ErrorCode]> = [
  ['S17: no version', head(host, { httpVersion: '0.9' }), 'http_request_error'],
  ['S18: HTTP/2.0', head(host, { httpVersion: '2.0' }), 'version_unsupported'],
  ['S18: HTTP/1.9', head(host, { httpVersion: '1.9' }), 'version_unsupported'],
  ['S18: HTTP/3.0', head(host, { httpVersion: '3.0' }), 'version_unsupported'],
  ['T2: no Host', head([]), 'http_request_error'],
  ['T3: two Hosts', head([...host, ...host]), 'http_request_error'],
  [
    'T3: two Hosts in HTTP/1.0',
    head([...host, 'HOST', 'b'], { httpVersion: '1.0' }),
    'http_request_error',
  ],
  ['T3: an empty Host', head(['Host', '']), 'http_request_error'],
  ['T3: a Host with a path', head(['Host', 'a/b']), 'http_request_error'],
  ['T3: a Host with a query', head(['Host', 'a?b']), 'http_request_error'],
  ['T3: a Host with user information', head(['Host', 'u@a']), 'http_request_error'],
  ['T3: a Host with a space', head(['Host', 'a b']), 'http_request_error'],
  ['T3: a Host with a backslash', head(['Host', 'a\\b']), 'http_request_error'],
  [
    'S6: gzip, chunked',
    head([...host, 'Transfer-Encoding', 'gzip, chunked']),
    'transfer_coding_unsupported',
  ],
  ['S5: identity', head([...host, 'Transfer-Encoding', 'identity']), 'http_request_error'],
  ['S5: an empty coding', head([...host, 'Transfer-Encoding', '']), 'http_request_error'],
  ['S4: 2⁵³ + 1', head([...host, 'Content-Length', '9007199254740993']), 'http_request_error'],
  [
    'S8: chunked, chunked',
    head([...host, 'Transfer-Encoding', 'chunked, chunked']),
    'transfer_coding_unsupported',
  ],
  [
    'S7: a transfer coding in HTTP/1.0',
    head(['Transfer-Encoding', 'chunked'], { httpVersion: '1.0' }),
    'http_request_error',
  ],
  [
    'C5: CONNECT with a length',
    head([...host, 'Content-Length', '1'], { method: 'CONNECT' }),
    'http_request_error',
  ],
  [
    'C5: CONNECT with an empty length',
    head([...host, 'Content-Length', ''], { method: 'CONNECT' }),
    'http_request_error',
  ],
  [
    'C5: CONNECT with chunks',
    head([...host, 'Transfer-Encoding', 'chunked'], { method: 'CONNECT' }),
    'http_request_error',
  ],
  [
    'S26: Connection: content-length',
    head([...host, 'Connection', 'close, Content-Length']),
    'http_request_error',
  ],
  ['S26: Connection: host', head([...host, 'connection', 'host']), 'http_request_error'],
  [
    'S26: Connection: transfer-encoding',
    head([...host, 'Connection', 'transfer-encoding']),
    'http_request_error',
  ],
  [
    'S26: Connection: connection',
    head([...host, 'Connection', 'Connection']),
    'http_request_error',
  ],
  [
    'S26: the second Connection header',
    head([...host, 'Connection', 'close', 'Connection', ',HOST ,']),
    'http_request_error',
  ],
  [
    'S27: a long target',
    head(host, { target: `http://a/${'x'.repeat(92)}` }),
    'request_target_too_long',
  ],
  [
    'S27: many fields',
    head(Array.from({ length: 11 }, () => ['X', 'y']).flat()),
    'request_headers_too_large',
  ],
  [
    'S27: a large header section',
    head([...host, 'X', 'y'.repeat(1000)]),
    'request_headers_too_large',
  ],
];

for (const [what, request, code] of problems) {
  test(`${what} is refused as ${code}`, (t) => {
    t.is(findHeadProblem(request, limits)?.code, code);
  });
}

test('limits are exact: what they allow passes, one more does not', (t) => {
  const of = (request: RequestHead) => findHeadProblem(request, limits)?.code ?? null;
  const target = (length: number) => head(host, { target: 'x'.repeat(length) });
  const count = (length: number) =>
    head([...host, ...Array.from({ length: length - 1 }, () => ['X', 'y']).flat()]);
  // As on the wire, line ends included, up to the empty line.
  const wire = 'GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: \r\n'.length;
  const size = (length: number) => head([...host, 'X', 'y'.repeat(length - wire)]);

  t.deepEqual([of(target(100)), of(target(101))], [null, 'request_target_too_long']);
  t.deepEqual([of(count(10)), of(count(11))], [null, 'request_headers_too_large']);
  t.deepEqual([of(size(1000)), of(size(1001))], [null, 'request_headers_too_large']);
});

test('what is too large names the field to change', (t) => {
  const long = findHeadProblem(head(host, { target: 'x'.repeat(101) }), limits);
  const many = findHeadProblem(head(Array.from({ length: 22 }, () => 'X')), limits);
  const large = findHeadProblem(head([...host, 'X', 'y'.repeat(1000)]), limits);

  t.regex(long?.problem ?? '', /spec\.limits\.targetBytes \(100\)/);
  t.regex(many?.problem ?? '', /spec\.limits\.headerCount \(10\)/);
  t.regex(large?.problem ?? '', /spec\.limits\.headerBytes \(1000\)/);
});

test('H1, H2: fields of this hop and those Connection names stay here, H4: all others go on as they came', (t) => {
  const fields = [
    ...[
      'X-B',
      '2',
      'Connection',
      'X-Foo, close',
      'x-foo',
      'gone',
      'Proxy-Connection',
      'keep-alive',
    ],
    ...['Keep-Alive', 'timeout=5', 'TE', 'trailers', 'Trailer', 'X-T', 'Upgrade', 'h2c'],
    ...['Transfer-Encoding', 'chunked', 'Proxy-Authorization', 'Basic dTpw'],
    ...['Proxy-Authenticate', 'Basic', 'Proxy-Authentication-Info', 'x', 'CONNECTION', 'x-bar'],
    ...['Set-Cookie', 'a=1', 'X-A', '', 'set-cookie', 'b=2', 'X-Bar', 'gone too', 'X-A', '1, 2'],
    ...['Expect', '100-continue'],
  ];

  t.deepEqual(endToEndFields(fields, new Set(['expect'])), [
    ...['X-B', '2', 'Set-Cookie', 'a=1', 'X-A', '', 'set-cookie', 'b=2', 'X-A', '1, 2'],
  ]);
});

test('S26: a response cannot have its framing or Via removed by its Connection header', (t) => {
  const fields = ['Connection', 'Content-Length, via', 'Content-Length', '5', 'Via', '1.1 a'];

  t.deepEqual(endToEndFields(fields, new Set()), ['Content-Length', '5', 'Via', '1.1 a']);
});

test('options of several Connection headers are one set', (t) => {
  t.deepEqual([...connectionOptions([...host])], []);
  t.deepEqual(
    [...connectionOptions(['Connection', 'Close, , X-A', 'connection', ' x-b ,close'])],
    ['close', 'x-a', 'x-b'],
  );
});

test('a field is found whatever its case, the first of several', (t) => {
  t.is(fieldValue(['X', '1', 'HOST', 'a', 'host', 'b'], 'host'), 'a');
  t.is(fieldValue(['X', ''], 'x'), '');
  t.is(fieldValue([], 'host'), null);
});

const vias: ReadonlyArray<readonly [readonly string[], boolean]> = [
  [['Via', '1.1 egress.team-a'], true],
  [['via', 'HTTP/1.1   egress.team-a (headgate)'], true],
  [['Via', '1.0 first, 1.1\tegress.team-a, 1.1 last'], true],
  [['Via', '1.0 first', 'Via', '1.1 egress.team-a'], true],
  [['Via', '1.1 egress.team-ab'], false],
  [['Via', '1.1 other (egress.team-a)'], false],
  [['Via', 'egress.team-a'], false],
  [['Via', ''], false],
  [['X-Via', '1.1 egress.team-a'], false],
  [[], false],
];

test('T15: a request that came through here before is known by its Via', (t) => {
  for (const [fields, expected] of vias) {
    t.is(passedThrough(fields, 'egress.team-a'), expected, fields.join(': '));
  }
});
