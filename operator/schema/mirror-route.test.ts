import test from 'ava';
import type { MirrorRouteSpecAsWritten } from '../../contracts/kinds/mirror-route/spec.ts';
import { createValidator } from './validator.ts';

type Rule = MirrorRouteSpecAsWritten['rules'][number];
type Mirror = NonNullable<Rule['mirrors']>[number];
type Modifier = NonNullable<Mirror['requestHeaderModifier']>;

const validator = createValidator();

const listeners = [{ name: 'main', port: 8080 }];
const backendRefs = [{ url: 'http://shop:8080' }];

function problemsOf(spec: unknown): readonly string[] {
  const checked = validator.validate({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'MirrorRoute',
    metadata: { name: 'shop', namespace: 'team-a' },
    spec,
  });
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

/** As somebody without types would write it. */
const rule = (parts: object): object => ({ listeners, rules: [{ backendRefs, ...parts }] });
const mirror = (parts: object): object =>
  rule({ mirrors: [{ name: 'canary', backendRef: { url: 'http://canary' }, ...parts }] });
const filter = (...filters: readonly object[]): object => rule({ filters });
const rewrite = (urlRewrite: object): object => filter({ type: 'URLRewrite', urlRewrite });

test('what a user leaves out is filled in', (t) => {
  const checked = validator.validate({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'MirrorRoute',
    metadata: { name: 'shop' },
    spec: mirror({}),
  });

  t.like(checked, {
    ok: true,
    spec: {
      pool: 'default',
      listeners: [{ address: '::', protocol: 'HTTP' }],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [{ weight: 1 }],
          timeouts: { request: '15s', backendRequest: '0s' },
          mirrors: [
            {
              sampling: { strategy: 'Random', salt: '', onMissingKey: 'Skip' },
              hostname: { mode: 'Preserve' },
              mark: { header: 'X-Mirrored-By', disabled: false },
              body: { mode: 'Include', maxBytes: '1Mi', onOverflow: 'Skip' },
              timeouts: { connect: '2s', request: '15s' },
              limits: { concurrent: 64, queue: 256, bufferedBytes: '32Mi', requestsPerSecond: 0 },
              circuitBreaker: { consecutiveFailures: 10, interval: '30s', maxOpenFor: '5m' },
              compare: { mode: 'None', percent: 100, maxBytes: '1Mi' },
            },
          ],
        },
      ],
      addressPolicy: {
        deny: ['LinkLocal', 'Multicast', 'Unspecified', 'Reserved', 'Metadata', 'Self'],
      },
      forwardedHeader: 'XForwardedFor',
      via: { enabled: true },
    },
  });
});

const accepted: Readonly<Record<string, object>> = {
  'a path that is one slash': mirror({ path: { type: 'ReplaceFullPath', value: '/' } }),
  'a share of one in a hundred thousand': mirror({
    fraction: { numerator: 1, denominator: 100_000 },
  }),
  'nothing at all': mirror({ percent: 0 }),
  'pointers of RFC 6901': mirror({
    compare: { mode: 'Body', ignoreJSONPointers: ['/', '/a~1b/m~0n', '/items/0', '/c%d/ /é'] },
  }),
  'a key without name': mirror({ sampling: { strategy: 'Hash', key: { type: 'ClientIP' } } }),
  'a query parameter with blanks': mirror({
    sampling: { strategy: 'Hash', key: { type: 'QueryParam', name: 'user id' } },
  }),
  'a backend by IPv6 address': rule({ backendRefs: [{ url: 'http://[2001:db8::1]:8080' }] }),
  'a Service of another namespace': rule({
    backendRefs: [{ name: 'shop', namespace: '1-team', port: 80 }],
  }),
  'a backend over TLS, and one that says how': rule({
    backendRefs: [
      { url: 'https://shop' },
      { url: 'https://10.0.0.1:8443', tls: { hostname: 'shop.example', minVersion: 'TLS1.3' } },
      { name: 'shop', port: 443, tls: {} },
    ],
  }),
  'a mirror over TLS': mirror({
    backendRef: { name: 'canary', port: 443 },
    tls: { caCertificateRefs: [{ name: 'ours' }, { name: 'theirs' }] },
  }),
  'no limit on answers, one on attempts': rule({
    timeouts: { request: '0s', backendRequest: '1m' },
  }),
  'several prefixes that are replaced': rule({
    matches: [{ path: { value: '/a' } }, { path: { value: '/b' } }],
    filters: [
      {
        type: 'URLRewrite',
        urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } },
      },
    ],
  }),
  'an expression, which is no path': rule({
    matches: [{ path: { type: 'RegularExpression', value: '.*[.]png' } }],
  }),
};

for (const [title, spec] of Object.entries(accepted)) {
  test(`accepted: ${title}`, (t) => {
    t.deepEqual(problemsOf(spec), []);
  });
}

const first = 'spec.rules[0]';
const path =
  'is not a path such as /v2: it begins with "/" and has no "?" and "#"; what may not stand in a URL is percent-encoded';
const url = 'is not http://host or http://host:port, or https://, without path, query and user';
const headerName = 'is not the name of a header field, such as X-Request-Id';
const compare = 'spec.rules[0].mirrors[0].compare';
const pointer =
  'a JSON Pointer such as /meta/time: every name has a "/" before it, and in names "~" is written ~0 and "/" ~1';
const prefixOnly =
  'ReplacePrefixMatch replaces what a PathPrefix matched: let every match of this rule be a PathPrefix, or use ReplaceFullPath';

const refused: Readonly<Record<string, readonly [spec: object, problems: readonly string[]]>> = {
  'a listener without port': [
    { listeners: [{ name: 'main' }], rules: [{ backendRefs }] },
    ['spec.listeners[0].port: is missing'],
  ],
  'two listeners on one port': [
    { listeners: [...listeners, { name: 'more', port: 8080 }], rules: [{ backendRefs }] },
    ['spec.listeners: two listeners have the same address and port: give each its own'],
  ],
  'HTTPS without a certificate': [
    { listeners: [{ ...listeners[0], protocol: 'HTTPS' }], rules: [{ backendRefs }] },
    [
      'spec.listeners[0].tls: protocol HTTPS needs tls.certificateRefs, Secrets with a certificate (`tls.crt`) and its key (`tls.key`)',
    ],
  ],
  'a certificate for HTTP': [
    {
      listeners: [{ ...listeners[0], tls: { certificateRefs: [{ name: 'shop-tls' }] } }],
      rules: [{ backendRefs }],
    },
    [
      'spec.listeners[0].tls: tls is only used with protocol HTTPS: set protocol to HTTPS, or remove tls',
    ],
  ],
  'a namespace beside a URL': [
    mirror({ backendRef: { url: 'http://shop', namespace: 'team-b' } }),
    [
      `${first}.mirrors[0].backendRef.namespace: is that of a Service; a url has the namespace in its host`,
    ],
  ],
  'a namespace that none can have': [
    rule({ backendRefs: [{ name: 'shop', namespace: 'Team.B', port: 80 }] }),
    [
      `${first}.backendRefs[0].namespace: "Team.B" is not a name of lower-case letters, digits and "-", such as team-a`,
    ],
  ],
  'a hostname with a port': [
    { listeners, hostnames: ['shop.example:80'], rules: [{ backendRefs }] },
    [
      'spec.hostnames[0]: "shop.example:80" is not a host such as api.example.com or *.example.com; leave the list out for any host',
    ],
  ],
  'a hostname that is an address': [
    { listeners, hostnames: ['10.0.0.1'], rules: [{ backendRefs }] },
    [
      'spec.hostnames[0]: "10.0.0.1" is an address: hostnames are names; leave the list out to take requests for any host',
    ],
  ],
  'no rule': [
    { listeners, rules: [] },
    ['spec.rules: is an empty list: list something, or leave the field out'],
  ],
  'what is no JSON Pointer': [
    mirror({
      compare: { mode: 'Body', ignoreJSONPointers: ['', 'meta.time', '/a~b', '#/a'] },
    }),
    [
      ...['', 'meta.time', '/a~b', '#/a'].map(
        (text, at) => `${compare}.ignoreJSONPointers[${at}]: "${text}" is not ${pointer}`,
      ),
    ],
  ],
  'JSON Pointers where no body is compared': [
    mirror({ compare: { mode: 'Headers', ignoreJSONPointers: ['/a'] } }),
    [`${compare}.ignoreJSONPointers: needs mode Body, which is the one that compares bodies`],
  ],
  'too many JSON Pointers': [
    mirror({
      compare: {
        mode: 'Body',
        ignoreJSONPointers: Array.from({ length: 17 }, (_, at) => `/${at}`),
      },
    }),
    [`${compare}.ignoreJSONPointers: has too many items: 16 at most`],
  ],
  'more than all answers compared': [
    mirror({ compare: { mode: 'Status', percent: 101 } }),
    [`${compare}.percent: 101 is too big: 100 is the most`],
  ],
  'two rules of one name': [
    {
      listeners,
      rules: [
        { name: 'a', backendRefs },
        { name: 'a', backendRefs },
      ],
    },
    ['spec.rules: two rules have the same name: give each its own, or none'],
  ],
  'a name that only a rule without one has': [
    rule({ name: 'rule-2' }),
    [
      `${first}.name: names such as rule-1 are those of rules without a name: choose another, or none`,
    ],
  ],
  'no backend': [rule({ backendRefs: undefined }), [`${first}.backendRefs: is missing`]],
  'a backend with a path': [
    rule({ backendRefs: [{ url: 'http://shop/v1' }] }),
    [`${first}.backendRefs[0].url: "http://shop/v1" ${url}`],
  ],
  'a backend of another scheme': [
    rule({ backendRefs: [{ url: 'ftp://shop' }] }),
    [`${first}.backendRefs[0].url: "ftp://shop" ${url}`],
  ],
  'TLS to who is named without it': [
    rule({
      backendRefs: [{ url: 'http://shop', tls: {} }],
      mirrors: [{ name: 'canary', backendRef: { url: 'http://canary' }, tls: {} }],
    }),
    [
      `${first}.backendRefs[0].tls: is for a Service, and for a url that begins with https://`,
      `${first}.mirrors[0].tls: is for a Service, and for a url that begins with https://`,
    ],
  ],
  'TLS without a check': [
    rule({ backendRefs: [{ url: 'https://shop', tls: { insecureSkipVerify: true } }] }),
    [
      `${first}.backendRefs[0].tls.insecureSkipVerify: is not a known field; known here: hostname, caCertificateRefs, minVersion`,
    ],
  ],
  'a certificate for a host and its port': [
    rule({ backendRefs: [{ url: 'https://shop', tls: { hostname: 'shop:443' } }] }),
    [
      `${first}.backendRefs[0].tls.hostname: "shop:443" is not a host such as shop.example.com, without port`,
    ],
  ],
  'one Secret twice': [
    mirror({
      backendRef: { url: 'https://canary' },
      tls: { caCertificateRefs: [{ name: 'ca' }, { name: 'ca' }] },
    }),
    [
      `${first}.mirrors[0].tls.caCertificateRefs[1].name: "ca" is already the name of ${first}.mirrors[0].tls.caCertificateRefs[0]`,
    ],
  ],
  'a backend on a port too many': [
    rule({ backendRefs: [{ url: 'http://shop:65536' }] }),
    [`${first}.backendRefs[0].url: "65536" is not a port from 1 to 65535`],
  ],
  'a backend that hides its address': [
    rule({ backendRefs: [{ url: 'http://0x7f.1' }] }),
    [
      `${first}.backendRefs[0].url: "0x7f.1" is an address, written so that it does not look like one: write 127.0.0.1`,
    ],
  ],
  'a backend whose address is none': [
    rule({ backendRefs: [{ url: 'http://[::1::]' }] }),
    [`${first}.backendRefs[0].url: "[::1::]" is not an IPv6 address such as [2001:db8::1]`],
  ],
  'an attempt that may take longer than the request': [
    rule({ timeouts: { backendRequest: '16s' } }),
    [`${first}.timeouts.backendRequest: cannot be longer than request, which includes it`],
  ],
  'a path that does not begin with a slash': [
    rule({ matches: [{ path: { value: 'shop' } }] }),
    [
      `${first}.matches[0].path.value: a path begins with "/" and has no "?" and "#"; what else may not stand in a URL is percent-encoded, as %20 for a blank`,
    ],
  ],
  'a path that servers read as another': [
    rule({ matches: [{ path: { type: 'Exact', value: '/shop/%2e%2e/admin' } }] }),
    [
      `${first}.matches[0].path.value: "/shop/%2e%2e/admin" has "." or ".." between slashes: some servers read it as another path, so no request with one is routed by its path`,
    ],
  ],
  'an expression that takes RE2 for PCRE': [
    rule({ matches: [{ path: { type: 'RegularExpression', value: '/(?!admin).*' } }] }),
    [
      `${first}.matches[0].path.value: is not a regular expression of RE2: invalid or unsupported Perl syntax: \`(?!\``,
    ],
  ],
  'one header matched twice, in another case': [
    rule({
      matches: [
        {
          headers: [
            { name: 'X-Env', value: 'a' },
            { name: 'x-env', value: 'b' },
          ],
        },
      ],
    }),
    [
      `${first}.matches[0].headers[1].name: "x-env" is the header of ${first}.matches[0].headers[0] already`,
    ],
  ],
  'a header that is none': [
    rule({ matches: [{ headers: [{ name: 'X Env', value: 'a' }] }] }),
    [`${first}.matches[0].headers[0].name: "X Env" ${headerName}`],
  ],
  'a method that never comes': [
    rule({ matches: [{ method: 'CONNECT' }] }),
    [
      `${first}.matches[0].method: "CONNECT" is not one of GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH`,
    ],
  ],
  'a filter twice': [
    filter(
      { type: 'URLRewrite', urlRewrite: { hostname: 'a' } },
      { type: 'URLRewrite', urlRewrite: { hostname: 'b' } },
    ),
    [`${first}.filters[1].type: "URLRewrite" is already the type of ${first}.filters[0]`],
  ],
  'a filter with the field of another': [
    filter({ type: 'URLRewrite', requestHeaderModifier: { remove: ['a'] } }),
    [
      `${first}.filters[0].requestHeaderModifier: goes with type RequestHeaderModifier, and with no other`,
      `${first}.filters[0].urlRewrite: goes with type URLRewrite, and with no other`,
    ],
  ],
  'a rewrite of nothing': [
    rewrite({}),
    [`${first}.filters[0].urlRewrite: changes nothing: write hostname or path`],
  ],
  'a rewrite with a query': [
    rewrite({ path: { type: 'ReplaceFullPath', replaceFullPath: '/a?b=c' } }),
    [`${first}.filters[0].urlRewrite.path.replaceFullPath: "/a?b=c" ${path}`],
  ],
  'a rewrite with the field of another': [
    rewrite({ path: { type: 'ReplaceFullPath', replacePrefixMatch: '/a' } }),
    [
      `${first}.filters[0].urlRewrite.path.replaceFullPath: goes with type ReplaceFullPath, and with no other`,
      `${first}.filters[0].urlRewrite.path.replacePrefixMatch: goes with type ReplacePrefixMatch, and with no other`,
    ],
  ],
  'a prefix replaced where none was matched': [
    rule({
      matches: [{ path: { type: 'Exact', value: '/a' } }],
      mirrors: [
        {
          name: 'canary',
          backendRef: { url: 'http://canary' },
          path: { type: 'ReplacePrefixMatch', value: '/b' },
        },
      ],
    }),
    [`${first}.matches: ${prefixOnly}`],
  ],
  'a field set twice, in another case': [
    filter({
      type: 'ResponseHeaderModifier',
      responseHeaderModifier: {
        set: [
          { name: 'Via', value: 'a' },
          { name: 'via', value: 'b' },
        ],
      },
    }),
    [
      `${first}.filters[0].responseHeaderModifier.set[1].name: "via" is the header of ${first}.filters[0].responseHeaderModifier.set[0] already`,
    ],
  ],
  'a value with a line break': [
    mirror({ requestHeaderModifier: { set: [{ name: 'X-A', value: 'a\r\nb' }] } }),
    [
      `${first}.mirrors[0].requestHeaderModifier.set[0].value: "a\\r\\nb" is not visible ASCII that begins and ends with no blank`,
    ],
  ],
  'two mirrors of one name': [
    rule({
      mirrors: [
        { name: 'a', backendRef: { url: 'http://a' } },
        { name: 'a', backendRef: { url: 'http://b' } },
      ],
    }),
    [`${first}.mirrors[1].name: "a" is already the name of ${first}.mirrors[0]`],
  ],
  'percent and fraction': [
    mirror({ percent: 1, fraction: { numerator: 1 } }),
    [`${first}.mirrors[0].fraction: percent and fraction say the same: write one of them`],
  ],
  'more than everything': [
    mirror({ fraction: { numerator: 101 } }),
    [`${first}.mirrors[0].fraction.numerator: is more than the denominator, which is all requests`],
  ],
  'a part of nothing': [
    mirror({ fraction: { numerator: 0, denominator: 0 } }),
    [`${first}.mirrors[0].fraction.denominator: 0 is too small: 1 is the least`],
  ],
  'Hash of nothing': [
    mirror({ sampling: { strategy: 'Hash' } }),
    [
      `${first}.mirrors[0].sampling.key: strategy Hash needs key, what is hashed: a header, a cookie, …`,
    ],
  ],
  'a key for chance': [
    mirror({ sampling: { key: { type: 'Path' } } }),
    [
      `${first}.mirrors[0].sampling.key: key is only used with strategy Hash: set that, or remove key`,
    ],
  ],
  'a cookie without name': [
    mirror({ sampling: { strategy: 'Hash', key: { type: 'Cookie' } } }),
    [`${first}.mirrors[0].sampling.key.name: says which header, cookie or query parameter`],
  ],
  'a client with a name': [
    mirror({ sampling: { strategy: 'Hash', key: { type: 'ClientIP', name: 'a' } } }),
    [`${first}.mirrors[0].sampling.key.name: ClientIP and Path have no name: remove it`],
  ],
  'a cookie whose name is none': [
    mirror({ sampling: { strategy: 'Hash', key: { type: 'Cookie', name: 'a=b' } } }),
    [`${first}.mirrors[0].sampling.key.name: is no name of a header or cookie`],
  ],
  'a Host of nothing': [
    mirror({ hostname: { mode: 'Literal' } }),
    [`${first}.mirrors[0].hostname.value: mode Literal needs value, the Host that copies get`],
  ],
  'a Host that is not asked for': [
    mirror({ hostname: { value: 'shop.example' } }),
    [
      `${first}.mirrors[0].hostname.value: only modes Literal and Suffix use value: set one, or remove value`,
    ],
  ],
  'a Host with two ports': [
    mirror({ hostname: { mode: 'Literal', value: 'shop:80:80' } }),
    [`${first}.mirrors[0].hostname.value: "shop:80:80" is not a host, with or without port`],
  ],
  'a suffix that makes no name': [
    mirror({ hostname: { mode: 'Suffix', value: ':81' } }),
    [
      `${first}.mirrors[0].hostname.value: ":81" behind a name is no name, as -shadow and .shadow.example are`,
    ],
  ],
  'a path of copies that is empty': [
    mirror({ path: { type: 'AddPrefix', value: 'v2' } }),
    [`${first}.mirrors[0].path.value: "v2" ${path}`],
  ],
  'a mark in two parts': [
    mirror({ mark: { value: 'a, b' } }),
    [`${first}.mirrors[0].mark.value: "a, b" is not visible ASCII without blanks and commas`],
  ],
  'bodies too long to hold': [
    mirror({ body: { maxBytes: '65Mi' } }),
    [`${first}.mirrors[0].body.maxBytes: "65Mi" is not a size from 0 to 64Mi`],
  ],
  'copies that take a minute and a second': [
    mirror({ timeouts: { request: '61s' } }),
    [`${first}.mirrors[0].timeouts.request: must be longer than 0s and at most 60s`],
  ],
  'a breaker that opens for longer than it may': [
    mirror({ circuitBreaker: { openFor: '6m' } }),
    [`${first}.mirrors[0].circuitBreaker.maxOpenFor: is shorter than openFor, which it ends`],
  ],
  'tunnels, which are those of a ForwardProxy': [
    { listeners, rules: [{ backendRefs }], limits: { tunnels: 1 } },
    [
      'spec.limits.tunnels: is not a known field; known here: connections, connectionsPerClient, upgrades, upgradesPerClient, headerBytes, headerCount, targetBytes',
    ],
  ],
};

for (const [title, [spec, problems]] of Object.entries(refused)) {
  test(`refused with field and remedy: ${title}`, (t) => {
    t.deepEqual(problemsOf(spec), problems);
  });
}

const ofTheConnection = [
  ...['Connection', 'Content-Length', 'Expect', 'Host', 'Keep-Alive', 'Proxy-Authenticate'],
  ...['Proxy-Authentication-Info', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Trailer'],
  ...['Transfer-Encoding', 'Upgrade'],
];

for (const name of ofTheConnection) {
  test(`${name} is not for users to set, add, remove or mark copies with`, (t) => {
    const field = { name, value: 'a' };
    const ways: readonly Modifier[] = [{ set: [field] }, { add: [field] }, { remove: [name] }];

    for (const way of ways) {
      const places = [
        filter({ type: 'RequestHeaderModifier', requestHeaderModifier: way }),
        filter({ type: 'ResponseHeaderModifier', responseHeaderModifier: way }),
        mirror({ requestHeaderModifier: way }),
      ];
      for (const place of places) t.regex(problemsOf(place).join(), /are not for modifiers: /);
    }
    t.regex(problemsOf(mirror({ mark: { header: name } })).join(), /choose another/);
  });
}
