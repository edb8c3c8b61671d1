import test from 'ava';
import type { MirrorConfig, RuleConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type {
  MirrorRouteSpec,
  MirrorRouteSpecAsWritten,
} from '../../../contracts/kinds/mirror-route/spec.ts';
import { readCrd } from '../../schema/crd.ts';
import { applyDefaults } from '../../schema/defaults.ts';
import { resolveMirrorRoute } from './resolve-config.ts';

type WrittenRule = MirrorRouteSpecAsWritten['rules'][number];
type WrittenMirror = NonNullable<WrittenRule['mirrors']>[number];

const schema = readCrd('MirrorRoute').schema.properties?.['spec'] ?? {};
const backendRefs = [{ url: 'http://shop:8080' }];

function resolve(written: Partial<MirrorRouteSpecAsWritten> = {}) {
  const listeners = [{ name: 'main', port: 8080 }];
  const whole: MirrorRouteSpecAsWritten = { listeners, rules: [{ backendRefs }], ...written };
  const spec = applyDefaults(whole, schema) as MirrorRouteSpec; // the type is made of the schema
  return resolveMirrorRoute(spec, { name: 'shop', namespace: 'team-a' });
}

function configOf(written: Partial<MirrorRouteSpecAsWritten> = {}) {
  const resolved = resolve(written);
  if ('config' in resolved) return resolved.config;
  throw new TypeError(`${resolved.problem.field}: ${resolved.problem.message}`);
}

function ruleOf(written: Partial<WrittenRule>): RuleConfig {
  const [rule] = configOf({ rules: [{ backendRefs, ...written }] }).rules;
  if (rule === undefined) throw new TypeError('there is no rule');
  return rule;
}

function mirrorOf(written: Partial<WrittenMirror>): MirrorConfig {
  const mirror = { name: 'canary', backendRef: { url: 'http://canary' }, ...written };
  const [resolved] = ruleOf({ mirrors: [mirror] }).mirrors;
  if (resolved === undefined) throw new TypeError('there is no mirror');
  return resolved;
}

test('a rule without a name gets that of its place', (t) => {
  const rules = [{ backendRefs }, { name: 'cart', backendRefs }, { backendRefs }];

  const config = configOf({ rules });

  t.deepEqual(
    config.rules.map(({ name }) => name),
    ['rule-1', 'cart', 'rule-3'],
  );
});

test('what depends on other fields is filled in', (t) => {
  const config = configOf();

  t.like(config, {
    via: { pseudonym: 'shop.team-a' },
    hostnames: [],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [], method: null }],
        requestHeaders: { set: [], add: [], remove: [] },
        rewrite: { hostname: null, path: null },
        timeouts: { requestMs: 15_000, backendRequestMs: 0 },
        mirrors: [],
      },
    ],
  });
});

test('hostnames are compared in one spelling, each once', (t) => {
  const { hostnames } = configOf({
    hostnames: ['Shop.Example.', 'shop.example', '*.Bücher.example'],
  });

  t.deepEqual(hostnames, ['shop.example', '*.xn--bcher-kva.example']);
});

test('connections that switched protocols are tunnels to a pod', (t) => {
  const config = configOf({
    limits: { upgrades: 7, upgradesPerClient: 8 },
    timeouts: { upgradeIdle: '1h', upgradeMax: '2h' },
  });

  t.like(config, {
    limits: { tunnels: 7, tunnelsPerClient: 8 },
    timeouts: { tunnelIdleMs: 3_600_000, tunnelMaxMs: 7_200_000 },
  });
});

const origins: ReadonlyArray<readonly [url: string, host: string, port: number]> = [
  ['http://shop', 'shop', 80],
  ['http://Shop.Team-A.svc.:8080', 'shop.team-a.svc', 8080],
  ['http://10.0.0.1:1', '10.0.0.1', 1],
  ['http://[2001:DB8::0:1]:65535', '2001:db8::1', 65_535],
  ['http://my_service', 'my_service', 80],
];

for (const [url, host, port] of origins) {
  test(`a backend ${url}`, (t) => {
    const { backends } = ruleOf({ backendRefs: [{ url, weight: 3 }] });

    t.deepEqual(backends, [
      { weight: 3, origin: { scheme: 'http', host, port, service: null, protocol: 'HTTP1' } },
    ]);
  });
}

test('HTTP/2 is spoken where it is written, with TLS or without', (t) => {
  const protocol = 'HTTP2';
  const { backends, mirrors } = ruleOf({
    backendRefs: [
      { url: 'http://shop:50051', protocol },
      { url: 'https://shop', protocol },
    ],
    mirrors: [{ name: 'next', backendRef: { name: 'next', port: 50051, protocol } }],
  });

  const origins = [...backends, ...mirrors].map(({ origin }) => origin);
  t.deepEqual(
    origins.map((origin) => [origin.scheme, origin.protocol]),
    [
      ['http', 'HTTP2'],
      ['https', 'HTTP2'],
      ['http', 'HTTP2'],
    ],
  );
});

const publicly = { minVersion: 'TLSv1.2', caCertificates: null };

test('a backend over TLS needs a certificate for the host of its URL, or for what is written', (t) => {
  const [first, second, third] = ruleOf({
    backendRefs: [
      { url: 'https://Shop.Example' },
      { url: 'https://[2001:DB8::1]:8443', tls: { hostname: 'Shop.Example.' } },
      { url: 'https://10.0.0.1', tls: { minVersion: 'TLS1.3' } },
    ],
  }).backends;

  const service = null;
  t.deepEqual(first?.origin, {
    ...{ scheme: 'https', host: 'shop.example', port: 443, service, protocol: 'HTTP1' },
    tls: { hostname: 'shop.example', ...publicly },
  });
  t.deepEqual(second?.origin, {
    ...{ scheme: 'https', host: '2001:db8::1', port: 8443, service, protocol: 'HTTP1' },
    tls: { hostname: 'shop.example', ...publicly },
  });
  t.deepEqual(third?.origin, {
    ...{ scheme: 'https', host: '10.0.0.1', port: 443, service, protocol: 'HTTP1' },
    tls: { hostname: '10.0.0.1', minVersion: 'TLSv1.3', caCertificates: null },
  });
});

test('a Service goes over TLS where it says so, with a certificate for its name', (t) => {
  const { origin } = mirrorOf({
    backendRef: { name: 'next', port: 8443 },
    tls: { caCertificateRefs: [{ name: 'ca' }] },
  });

  const host = 'next.team-a.svc';
  t.deepEqual(origin, {
    ...{
      scheme: 'https',
      host,
      port: 8443,
      service: { namespace: 'team-a', name: 'next', from: 'team-a' },
      protocol: 'HTTP1',
    },
    tls: {
      ...{ hostname: host, minVersion: 'TLSv1.2' },
      caCertificates: [{ namespace: 'team-a', name: 'ca', pem: null }],
    },
  });
});

test('the name of a certificate is refused where it stands', (t) => {
  const tls = { hostname: '0x7f.1' };
  const problemIn = (rule: Partial<WrittenRule>) => {
    const resolved = resolve({ rules: [{ backendRefs, ...rule }] });
    return 'problem' in resolved ? resolved.problem.field : null;
  };

  t.is(
    problemIn({ backendRefs: [{ url: 'https://shop', tls }] }),
    'spec.rules[0].backendRefs[0].tls.hostname',
  );
  t.is(
    problemIn({ mirrors: [{ name: 'canary', backendRef: { url: 'https://canary' }, tls }] }),
    'spec.rules[0].mirrors[0].tls.hostname',
  );
});

test('names of header fields are compared in lower case, those of parameters are not', (t) => {
  const match = { type: 'Exact', name: 'X-Env', value: 'Canary' } as const;

  const { matches } = ruleOf({ matches: [{ headers: [match], queryParams: [match] }] });

  t.deepEqual(matches[0]?.headers, [{ ...match, name: 'x-env' }]);
  t.deepEqual(matches[0]?.queryParams, [match]);
});

test('filters become what they do, in whatever order they stand', (t) => {
  const rule = ruleOf({
    filters: [
      {
        type: 'URLRewrite',
        urlRewrite: {
          hostname: 'Shop.Internal.',
          path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/v2' },
        },
      },
      {
        type: 'ResponseHeaderModifier',
        responseHeaderModifier: { remove: ['Server', 'X-Powered-By', 'server'] },
      },
      {
        type: 'RequestHeaderModifier',
        requestHeaderModifier: {
          set: [{ name: 'X-Env', value: 'a' }],
          add: [{ name: 'X-Env', value: 'b' }],
        },
      },
    ],
  });

  t.deepEqual(rule.rewrite, {
    hostname: 'shop.internal',
    path: { type: 'ReplacePrefixMatch', value: '/v2' },
  });
  t.deepEqual(rule.responseHeaders, { set: [], add: [], remove: ['server', 'x-powered-by'] });
  t.deepEqual(rule.requestHeaders, {
    set: [{ name: 'X-Env', value: 'a' }],
    add: [{ name: 'X-Env', value: 'b' }],
    remove: [],
  });
});

const shares: ReadonlyArray<readonly [written: Partial<WrittenMirror>, share: string]> = [
  [{}, '100/100'],
  [{ percent: 0 }, '0/100'],
  [{ percent: 35 }, '35/100'],
  [{ fraction: { numerator: 7 } }, '7/100'],
  [{ fraction: { numerator: 1, denominator: 100_000 } }, '1/100000'],
];

for (const [written, share] of shares) {
  test(`a share of ${share}`, (t) => {
    const { numerator, denominator } = mirrorOf(written).fraction;

    t.is(`${numerator}/${denominator}`, share);
  });
}

const keys: ReadonlyArray<readonly [written: object, key: MirrorConfig['sampling']]> = [
  [{}, { strategy: 'Random' }],
  [{ strategy: 'Random', salt: 'unused' }, { strategy: 'Random' }],
  [
    { strategy: 'Hash', key: { type: 'Header', name: 'X-User' } },
    { strategy: 'Hash', key: { type: 'Header', name: 'x-user' }, salt: '', onMissingKey: 'Skip' },
  ],
  [
    { strategy: 'Hash', key: { type: 'Cookie', name: 'Session' }, onMissingKey: 'Random' },
    {
      strategy: 'Hash',
      key: { type: 'Cookie', name: 'Session' },
      salt: '',
      onMissingKey: 'Random',
    },
  ],
  [
    { strategy: 'Hash', key: { type: 'ClientIP' }, salt: 'blue' },
    { strategy: 'Hash', key: { type: 'ClientIP' }, salt: 'blue', onMissingKey: 'Skip' },
  ],
];

for (const [sampling, expected] of keys) {
  test(`sampling ${JSON.stringify(sampling)}`, (t) => {
    t.deepEqual(mirrorOf({ sampling }).sampling, expected);
  });
}

const hosts: ReadonlyArray<readonly [written: object, hostname: MirrorConfig['hostname']]> = [
  [{}, { mode: 'Preserve' }],
  [{ mode: 'Backend' }, { mode: 'Backend' }],
  [{ mode: 'Suffix' }, { mode: 'Suffix', value: '-shadow' }],
  [
    { mode: 'Suffix', value: '.Shadow.example' },
    { mode: 'Suffix', value: '.shadow.example' },
  ],
  [
    { mode: 'Literal', value: 'Canary.Example:8443' },
    { mode: 'Literal', value: 'canary.example:8443' },
  ],
  [
    { mode: 'Literal', value: '[2001:DB8::1]:80' },
    { mode: 'Literal', value: '[2001:db8::1]:80' },
  ],
];

for (const [hostname, expected] of hosts) {
  test(`the Host of copies: ${JSON.stringify(hostname)}`, (t) => {
    t.deepEqual(mirrorOf({ hostname }).hostname, expected);
  });
}

test('a copy is marked with the name of its route, unless somebody says otherwise', (t) => {
  t.deepEqual(mirrorOf({}).mark, { name: 'X-Mirrored-By', value: 'team-a/shop' });
  t.deepEqual(mirrorOf({ mark: { header: 'X-Shadow', value: 'yes' } }).mark, {
    name: 'X-Shadow',
    value: 'yes',
  });
  t.is(mirrorOf({ mark: { disabled: true } }).mark, null);
});

test('durations and sizes of a mirror are milliseconds and bytes', (t) => {
  const mirror = mirrorOf({
    body: { maxBytes: '64Mi' },
    limits: { bufferedBytes: '1024Mi' },
    timeouts: { connect: '500ms', request: '60s' },
    circuitBreaker: { interval: '1m', openFor: '1s', maxOpenFor: '1h' },
    compare: { mode: 'Body', maxBytes: 0, ignoreHeaders: ['ETag', 'etag'] },
  });

  t.like(mirror, {
    body: { maxBytes: 67_108_864 },
    limits: { bufferedBytes: 1_073_741_824 },
    timeouts: { connectMs: 500, requestMs: 60_000 },
    circuitBreaker: { intervalMs: 60_000, openForMs: 1000, maxOpenForMs: 3_600_000 },
    compare: { mode: 'Body', maxBytes: 0 },
  });
  t.deepEqual(mirror.compare.ignoreHeaders, ['etag']);
});

test('JSON Pointers are taken as they are, with bodies of 4Mi at most', (t) => {
  const compare = { mode: 'Body', percent: 5, ignoreJSONPointers: ['/a~1b', '/0'] } as const;

  t.like(mirrorOf({ compare: { ...compare, maxBytes: '4Mi' } }).compare, {
    ...compare,
    maxBytes: 4_194_304,
  });
  t.deepEqual(mirrorOf({ compare: { mode: 'Body' } }).compare.ignoreJSONPointers, []);

  const mirror = { name: 'canary', backendRef: { url: 'http://canary' } };
  const mirrors = [{ ...mirror, compare: { ...compare, maxBytes: '5Mi' } }];
  const resolved = resolve({ rules: [{ backendRefs: [{ url: 'http://shop' }], mirrors }] });

  t.like(resolved, {
    problem: {
      field: 'spec.rules[0].mirrors[0].compare.maxBytes',
      message: 'is more than 4Mi, the most with ignoreJSONPointers',
    },
  });
});

test('what YAML 1.1 does not take for false is Off to a pod', (t) => {
  t.is(mirrorOf({ compare: { mode: 'None' } }).compare.mode, 'Off');
});

test('all fields that stand in the way are told, the first one first', (t) => {
  const mirrors = [
    {
      name: 'canary',
      backendRef: { url: 'http://[::g]' },
      path: { type: 'AddPrefix', value: '/a/..' },
      hostname: { mode: 'Literal', value: 'a:b' },
      compare: { maxBytes: '1k5' },
    },
  ] as const;

  const resolved = resolve({
    hostnames: ['a.*.example'],
    rules: [{ backendRefs: [{ url: 'http://shop:0' }], mirrors }],
    addressPolicy: { allowCIDRs: ['10.0.0.0/33'] },
  });

  t.true('problem' in resolved);
  if (!('problem' in resolved)) return;
  t.deepEqual(resolved.problem, resolved.problems[0] ?? null);
  t.deepEqual(
    resolved.problems.map(({ field }) => field),
    [
      'spec.hostnames[0]',
      'spec.rules[0].backendRefs[0].url',
      'spec.rules[0].mirrors[0].backendRef.url',
      'spec.rules[0].mirrors[0].path.value',
      'spec.rules[0].mirrors[0].hostname.value',
      'spec.rules[0].mirrors[0].compare.maxBytes',
      'spec.addressPolicy.allowCIDRs[0]',
    ],
  );
});
