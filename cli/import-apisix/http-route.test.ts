import test from 'ava';
import { imported } from '../../test/support/imported.ts';

const httpRoute = (rule: string, more = '') => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: team-a}
spec:
  hostnames: [shop.example]
  rules:
    - backendRefs: [{name: cart, port: 80}]
${rule.replaceAll(/^/gm, '      ')}
---
${more}`;

const requestMirror =
  'filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 81}, percent: 20}}]';

test('an HTTPRoute keeps its matches and time-outs, and RequestMirror its share', (t) => {
  const { routes, rules, refused, told } = imported(
    httpRoute(`${requestMirror}
timeouts: {request: 10s}
matches:
  - path: {type: PathPrefix, value: /cart}
    method: GET
    headers: [{name: X-A, value: b}]
  - queryParams: [{type: RegularExpression, name: q, value: ^a}]`),
  );

  t.deepEqual(refused, []);
  t.like(routes[0], { spec: { hostnames: ['shop.example'] } });
  t.deepEqual(rules, [
    {
      matches: [
        {
          path: { type: 'PathPrefix', value: '/cart' },
          headers: [{ name: 'X-A', value: 'b' }],
          method: 'GET',
        },
        {
          path: { type: 'PathPrefix', value: '/' },
          queryParams: [{ type: 'RegularExpression', name: 'q', value: 'a.*' }],
        },
      ],
      backendRefs: [{ name: 'cart', port: 80 }],
      timeouts: { request: '10s' },
      mirrors: [
        {
          name: 'mirror',
          backendRef: { name: 'copy', port: 81 },
          fraction: { numerator: 1, denominator: 5 },
        },
      ],
    },
  ]);
  t.true(told.some((line) => line.includes('where APISIX makes them of all')));
});

test('a Service of another namespace stays one, and the grant it needs is told', (t) => {
  const { rules, told, refused } = imported(
    httpRoute(
      'filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copy, namespace: qa, port: 81}}}]',
    ),
  );

  t.deepEqual(refused, []);
  t.deepEqual(rules[0]?.mirrors?.[0]?.backendRef, { name: 'copy', namespace: 'qa', port: 81 });
  const needed =
    'a ReferenceGrant in qa has to permit it, from {group: headgate.dev, kind: MirrorRoute, namespace: team-a} to {group: "", kind: Service, name: copy}';
  t.true(told.some((line) => line.includes(needed)));
});

test('filters of an HTTPRoute become those of a MirrorRoute, and copies keep the path that came', (t) => {
  const filters = `filters:
  - {type: RequestMirror, requestMirror: {backendRef: {name: copy, port: 81}}}
  - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: A, value: b}]}}
  - {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Server]}}
  - {type: URLRewrite, urlRewrite: {hostname: inner.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: ""}}}
matches: [{path: {value: /cart}}]`;

  const { rules, refused } = imported(httpRoute(filters));

  t.deepEqual(refused, []);
  t.deepEqual(rules[0]?.filters, [
    { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'A', value: 'b' }] } },
    { type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['Server'] } },
    {
      type: 'URLRewrite',
      urlRewrite: {
        hostname: 'inner.example',
        path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' },
      },
    },
  ]);
  t.like(rules[0]?.mirrors?.[0], { path: { type: 'ReplacePrefixMatch', value: '/cart' } });
});

const badHttpRules: ReadonlyArray<readonly [rule: string, message: RegExp]> = [
  [
    'filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 81}}}, {type: RequestMirror, requestMirror: {backendRef: {name: b, port: 81}}}]',
    /a second RequestMirror cannot be carried over/,
  ],
  [
    'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [A]}}, {type: RequestHeaderModifier, requestHeaderModifier: {remove: [B]}}]',
    /a second RequestHeaderModifier cannot be carried over/,
  ],
  [
    'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {drop: [A]}}]',
    /"drop" cannot be carried over/,
  ],
  ['filters: [{type: URLRewrite, urlRewrite: {host: a}}]', /"host" cannot be carried over/],
  [
    'filters: [{type: RequestMirror, requestMirror: {percent: .nan, backendRef: {name: a, port: 81}}}]',
    /is not a number/,
  ],
  ['filters: [{type: RequestRedirect}]', /filter "RequestRedirect" cannot be carried over/],
  [
    'filters: [{type: ExtensionRef, extensionRef: {kind: PluginConfig, name: none}}]',
    /there is no PluginConfig\/team-a\/none/,
  ],
  [
    'filters: [{type: ExtensionRef, extensionRef: {kind: Other, name: none}}]',
    /a filter of kind "Other"/,
  ],
  ['matches: [{path: {type: Glob, value: /a}}]', /"Glob" is not one of Exact, PathPrefix/],
  ['sessionPersistence: {}', /"sessionPersistence" cannot be carried over/],
];

for (const [rule, message] of badHttpRules) {
  test(`an HTTPRoute with ${rule} is refused`, (t) => {
    const { routes, refused } = imported(httpRoute(rule));

    t.deepEqual(routes, []);
    t.regex(refused[0] ?? '', message);
  });
}
