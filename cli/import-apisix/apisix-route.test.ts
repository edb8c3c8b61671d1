import test from 'ava';
import { apisixRoute, imported } from '../../test/support/imported.ts';

const service = (spec: string) => `
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: team-a}
spec: ${spec}
---`;

test('a Service stays a Service, whose endpoints are found as they come and go', (t) => {
  const { rules, refused } = imported(
    apisixRoute('backends: [{serviceName: cart, servicePort: 8080}]'),
  );

  t.deepEqual(refused, []);
  t.deepEqual(rules[0]?.backendRefs, [{ name: 'cart', port: 8080 }]);
});

test('a Service that is spoken to as a whole becomes its name in DNS, which is said', (t) => {
  const { rules, told } = imported(
    apisixRoute('backends: [{serviceName: cart, servicePort: 81, resolveGranularity: service}]'),
  );

  t.deepEqual(rules[0]?.backendRefs, [{ url: 'http://cart.team-a.svc:81' }]);
  const said =
    "Service team-a/cart becomes http://cart.team-a.svc:81, its name in the cluster's DNS";
  t.true(told.includes(`in:11: ${said}`));
});

test('backends without a weight have 100, as APISIX gives them, if others have one', (t) => {
  const { rules } = imported(
    apisixRoute(`backends:
  - {serviceName: cart, servicePort: 80, weight: 25}
  - {serviceName: next, servicePort: 80}`),
  );

  t.deepEqual(rules[0]?.backendRefs, [
    { name: 'cart', port: 80, weight: 1 },
    { name: 'next', port: 80, weight: 4 },
  ]);
});

const ports: ReadonlyArray<readonly [what: string, port: string, spec: string, backend: object]> = [
  ['the name of a port', 'http', '{ports: [{name: http, port: 81}]}', { name: 'cart', port: 81 }],
  [
    'an ExternalName',
    '80',
    '{type: ExternalName, externalName: shop.example}',
    { url: 'http://shop.example' },
  ],
];

for (const [what, port, spec, backend] of ports) {
  test(`${what} is looked up in the Service`, (t) => {
    const route = apisixRoute(`backends: [{serviceName: cart, servicePort: ${port}}]`);

    const { rules, refused } = imported(route + service(spec));

    t.deepEqual(refused, []);
    t.deepEqual(rules[0]?.backendRefs, [backend]);
  });
}

const badPorts: ReadonlyArray<readonly [port: string, given: string, message: RegExp]> = [
  ['http', '', /only the Service says: give it too/],
  ['81', service('{ports: [{port: 80}]}'), /has no port 81/],
  ['99999', '', /99999 is not a port/],
];

for (const [port, given, message] of badPorts) {
  test(`port ${port} is refused where it is ${message.source}`, (t) => {
    const route = apisixRoute(`backends: [{serviceName: cart, servicePort: ${port}}]`);

    const { routes, refused } = imported(route + given);

    t.deepEqual(routes, []);
    t.regex(refused[0] ?? '', message);
  });
}

const upstream = `
apiVersion: apisix.apache.org/v2
kind: ApisixUpstream
metadata: {name: cart, namespace: team-a}
spec:
  passHost: node
  timeout: {read: 5s}
  externalNodes: [{type: Domain, name: shop.example, port: 8080}]
`;

test('an ApisixUpstream says where requests go, with which Host, and for how long', (t) => {
  const { rules, refused } = imported(apisixRoute('upstreams: [{name: cart}]', upstream));

  t.deepEqual(refused, []);
  t.like(rules[0], {
    backendRefs: [{ url: 'http://shop.example:8080' }],
    filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'shop.example' } }],
    timeouts: { request: '5s' },
  });
});

test('plugins of an ApisixPluginConfig are in force unless the rule has them itself', (t) => {
  const config = `
apiVersion: apisix.apache.org/v2
kind: ApisixPluginConfig
metadata: {name: all, namespace: shared}
spec:
  plugins:
    - {name: proxy-mirror, enable: true, config: {host: "http://other.example"}}
    - {name: proxy-rewrite, enable: true, config: {uri: /new}}
    - {name: key-auth, enable: false}
`;
  const rule = `backends: [{serviceName: cart, servicePort: 80}]
plugin_config_name: all
plugin_config_namespace: shared`;

  const { rules, refused } = imported(apisixRoute(rule, config));

  t.deepEqual(refused, []);
  t.like(rules[0], {
    filters: [{ type: 'URLRewrite' }],
    mirrors: [{ backendRef: { url: 'http://mirror.example' } }],
  });
});

const missing: ReadonlyArray<readonly [rule: string, message: RegExp]> = [
  [
    'plugin_config_name: all',
    /in:12: .*there is no ApisixPluginConfig\/team-a\/all in the given files/,
  ],
  ['upstreams: [{name: cart}]', /there is no ApisixUpstream\/team-a\/cart in the given files/],
  ['authentication: {enable: true, type: keyAuth}', /a MirrorRoute asks nobody for a password/],
  [
    'backends: [{serviceName: a, servicePort: 1, subset: v2}]',
    /"subset" cannot be carried over: make a Service/,
  ],
  ['rateLimit: 5', /"rateLimit" cannot be carried over/],
];

for (const [rule, message] of missing) {
  test(`a rule with ${rule} is refused`, (t) => {
    const backends = rule.startsWith('plugin')
      ? 'backends: [{serviceName: a, servicePort: 1}]\n'
      : '';

    const { routes, refused } = imported(apisixRoute(backends + rule));

    t.deepEqual(routes, []);
    t.true(
      refused.some((line) => message.test(line)),
      refused.join('\n'),
    );
  });
}
