import test from 'ava';
import { adminRoute, imported } from '../../test/support/imported.ts';

function backendsFor(upstream: object, more = '') {
  const { rules, refused, told } = imported(adminRoute({ upstream }) + more);
  const [rule] = rules;
  return { rule, backends: rule?.backendRefs ?? [], refused, told };
}

test('nodes become URLs, port 80 unless they have one, with their weights', (t) => {
  const { backends } = backendsFor({
    nodes: { 'httpbin.org': 1, '10.0.0.7:8080': 3, '[2001:db8::1]:81': 2 },
  });

  t.deepEqual(backends, [
    { url: 'http://httpbin.org', weight: 1 },
    { url: 'http://10.0.0.7:8080', weight: 3 },
    { url: 'http://[2001:db8::1]:81', weight: 2 },
  ]);
});

test('a list of nodes says the same', (t) => {
  const { backends } = backendsFor({
    nodes: [
      { host: 'httpbin.org', port: 80, weight: 5 },
      { host: '2001:db8::1', port: 8080, weight: 5, priority: 0 },
    ],
  });

  t.deepEqual(backends, [{ url: 'http://httpbin.org' }, { url: 'http://[2001:db8::1]:8080' }]);
});

test('backends get the Host of the request, of the only node, or a written one', (t) => {
  const nodes = { 'inner.example:8080': 1 };
  const hostnameFor = (more: object) => backendsFor({ nodes, ...more }).rule?.filters;
  const rewritten = (hostname: string) => [{ type: 'URLRewrite', urlRewrite: { hostname } }];

  t.is(hostnameFor({ pass_host: 'pass' }), undefined);
  t.deepEqual(hostnameFor({ pass_host: 'node' }), rewritten('inner.example'));
  t.deepEqual(
    hostnameFor({ pass_host: 'rewrite', upstream_host: 'outer.example' }),
    rewritten('outer.example'),
  );
});

test('nodes of an upstream with TLS become URLs with TLS, port 443 unless they have one', (t) => {
  const nodes = { 'a.example': 1, 'b.example:80': 1, '10.0.0.7:443': 1 };

  const { backends, told } = backendsFor({ scheme: 'https', nodes });

  t.deepEqual(backends, [
    { url: 'https://a.example' },
    { url: 'https://b.example:80' },
    { url: 'https://10.0.0.7' },
  ]);
  t.true(told.some((line) => line.includes('certificates of backends are checked')));
});

test('gRPC is HTTP/2, with TLS or without', (t) => {
  const nodes = { 'a.example': 1, 'b.example:50051': 1 };
  const protocol = 'HTTP2';

  t.deepEqual(backendsFor({ scheme: 'grpc', nodes }).backends, [
    { url: 'http://a.example', protocol },
    { url: 'http://b.example:50051', protocol },
  ]);
  t.deepEqual(backendsFor({ scheme: 'grpcs', nodes }).backends, [
    { url: 'https://a.example', protocol },
    { url: 'https://b.example:50051', protocol },
  ]);
});

test('the Host that is written for backends is the name that their certificates must have', (t) => {
  const rewrite = { pass_host: 'rewrite', upstream_host: 'outer.example' };

  const { backends } = backendsFor({ scheme: 'https', nodes: { '10.0.0.7': 1 }, ...rewrite });

  t.deepEqual(backends, [{ url: 'https://10.0.0.7', tls: { hostname: 'outer.example' } }]);
});

test('a Service is spoken to over TLS where its ApisixUpstream says so', (t) => {
  const apiVersion = 'apisix.apache.org/v2';
  const metadata = { name: 'shop', namespace: 'team-a' };
  const http = [
    {
      name: 'all',
      match: { paths: ['/*'] },
      backends: [{ serviceName: 'shop', servicePort: 8443 }],
      plugins: [{ name: 'proxy-mirror', enable: true, config: { host: 'http://mirror.example' } }],
    },
  ];
  const documents = [
    { apiVersion, kind: 'ApisixRoute', metadata, spec: { http } },
    { apiVersion, kind: 'ApisixUpstream', metadata, spec: { scheme: 'https' } },
  ];

  const { rules } = imported(documents.map((each) => `---\n${JSON.stringify(each)}\n`).join(''));

  t.deepEqual(rules[0]?.backendRefs, [{ name: 'shop', port: 8443, tls: {} }]);
});

test('a rule waits for an answer as long as APISIX does to read', (t) => {
  const nodes = { 'shop.example': 1 };
  const timeout = { connect: 5, send: 10, read: 30.5 };

  t.deepEqual(backendsFor({ nodes }).rule?.timeouts, { request: '1m' });
  t.deepEqual(backendsFor({ nodes, timeout }).rule?.timeouts, { request: '30s500ms' });
});

test('longer pauses within bodies are allowed to all rules, since they cannot be to one', (t) => {
  const timeout = { connect: 1, send: 90, read: 3600 };

  const { routes } = imported(adminRoute({ timeout }));

  t.like(routes[0], { spec: { timeouts: { connect: '1s', bodyIdle: '1h' } } });
});

test('the time to connect is one for all rules: the longest', (t) => {
  const route = (id: string, connect: number) => ({
    id,
    uri: `/${id}`,
    plugins: { 'proxy-mirror': { host: 'http://mirror.example' } },
    upstream: { nodes: { a: 1 }, timeout: { connect, send: 1, read: 1 } },
  });

  const { routes, told } = imported(JSON.stringify([route('a', 2), route('b', 3)]));

  t.like(routes[0], { spec: { timeouts: { connect: '3s' } } });
  t.true(told.some((line) => line.includes('the longest of theirs')));
});

const refused: ReadonlyArray<readonly [what: string, upstream: object, message: RegExp]> = [
  ['Kafka', { scheme: 'kafka' }, /speaks HTTP to backends, gRPC included, and not kafka/],
  ['hashing', { type: 'chash' }, /requests with one key do not stay with one backend/],
  ['no nodes', { nodes: {} }, /has no nodes/],
  [
    'discovery',
    { service_name: 'shop', discovery_type: 'nacos' },
    /service_name cannot be carried/,
  ],
  ['nodes in reserve', { nodes: [{ host: 'a', port: 1, weight: 1, priority: -1 }] }, /when others/],
  ['no port', { nodes: [{ host: 'a', port: 0, weight: 1 }] }, /0 is not a port/],
  ['a weight below 0', { nodes: { a: -1 } }, /-1 is not a weight/],
  ['half a weight', { nodes: { a: 0.5 } }, /0\.5 is not a weight/],
  ['an address that is none', { nodes: { 'http://a': 1 } }, /not under an address/],
  ['a Host for each node', { nodes: { a: 1, b: 1 }, pass_host: 'node' }, /one Host for all/],
  ['an unknown Host', { pass_host: 'maybe' }, /"maybe" is not one of pass, node, rewrite/],
  ['an unknown field', { mtls: true }, /"mtls" cannot be carried over/],
  [
    'a time that is none',
    { timeout: { connect: 'soon', send: 1, read: 1 } },
    /"soon" is not a time/,
  ],
];

for (const [what, upstream, message] of refused) {
  test(`an upstream with ${what} is refused`, (t) => {
    const { backends, refused } = backendsFor({ nodes: { a: 1 }, ...upstream });

    t.deepEqual(backends, []);
    t.regex(refused[0] ?? '', message);
  });
}

test('what avoids failing nodes is left out, and said to be', (t) => {
  const { backends, told } = backendsFor({ nodes: { a: 1 }, type: 'ewma', retries: 2, checks: {} });

  t.is(backends.length, 1);
  for (const name of ['ewma', 'retries', 'checks'])
    t.true(
      told.some((line) => line.includes(`${name} is left out`)),
      name,
    );
});

const standalone = `
routes:
  - id: 1
    uris: [/cart, /cart/*]
    service_id: shop
    plugin_config_id: mirrored
  - id: 2
    uri: /stock
    upstream_id: 7
    status: 1
  - {id: 3, uri: /off, status: 0}
services:
  - id: shop
    hosts: [Shop.Example]
    plugins: {proxy-mirror: {host: "http://old.example"}}
    upstream_id: 7
upstreams:
  - {id: 7, type: roundrobin, nodes: {"stock.example:8080": 1}}
plugin_configs:
  - {id: mirrored, plugins: {proxy-mirror: {host: "http://mirror.example"}}}
consumers: [{username: ann}]
global_rules: []
#END
`;

test('routes of apisix.yaml find services, upstreams and plugin configs by id', (t) => {
  const { routes, rules, refused, told } = imported(standalone);

  t.deepEqual(refused, []);
  t.like(routes[0], { metadata: { name: 'apisix', namespace: 'default' } });
  t.is(rules.length, 2);
  t.like(rules[0], {
    name: '1',
    backendRefs: [{ url: 'http://stock.example:8080' }],
    mirrors: [{ backendRef: { url: 'http://mirror.example' } }],
  });
  t.deepEqual(
    rules[0]?.matches.map(({ path }) => path),
    [{ type: 'PathPrefix', value: '/cart' }],
  );
  t.is(rules[1]?.mirrors, undefined);
  t.true(told.some((line) => /^in:11: this route is switched off/.test(line)));
  t.true(told.some((line) => /consumers are left out/.test(line)));
});

for (const [field, key] of [
  ['upstream_id', 'upstreams/9'],
  ['service_id', 'services/9'],
  ['plugin_config_id', 'plugin_configs/9'],
] as const) {
  test(`a route whose ${field} leads nowhere is refused`, (t) => {
    const { routes, refused } = imported(adminRoute({ [field]: 9, upstream: undefined }));

    t.deepEqual(routes, []);
    t.true(refused.some((line) => line.endsWith(`there is no ${key} in the given files`)));
  });
}

test('global rules are not passed over', (t) => {
  const { refused } = imported(`${adminRoute()}\n---\nglobal_rules: [{id: 1}]\nroutes: []`);

  t.regex(refused.join(), /global_rules cannot be carried over/);
});

test('answers of the Admin API are read as they come', (t) => {
  const stored = (type: string, value: object) => ({ key: `/apisix/${type}/5`, value });
  const route = { uri: '/get', upstream_id: 5, plugins: { 'proxy-mirror': { host: 'http://m' } } };
  const list = [stored('routes', { id: 5, ...route }), stored('upstreams', { nodes: { a: 1 } })];

  const { rules, refused } = imported(JSON.stringify({ total: 2, list }));

  t.deepEqual(refused, []);
  t.like(rules[0], { backendRefs: [{ url: 'http://a' }] });
});
