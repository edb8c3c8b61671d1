import test from 'ava';
import { apisixRoute, imported } from '../../test/support/imported.ts';

const apisixUpstream = `
apiVersion: apisix.apache.org/v2
kind: ApisixUpstream
metadata: {name: cart, namespace: team-a}
`;

test('what kubectl get prints is read one by one, each with its own line', (t) => {
  const list = `
apiVersion: v1
kind: List
items:
  - apiVersion: apisix.apache.org/v2
    kind: ApisixRoute
    metadata: {name: shop, namespace: team-a}
    spec:
      http:
        - name: cart
          match: {paths: [/cart]}
          backends: [{serviceName: cart, servicePort: 80}]
          plugins:
            - {name: proxy-mirror, config: {host: "ftp://mirror.example"}}
`;

  t.regex(imported(list).refused[0] ?? '', /^in:14: refused: host is not an address such as/);
});

test('routes of two namespaces listen on two ports, since a port belongs to one MirrorRoute', (t) => {
  const one = apisixRoute('backends: [{serviceName: cart, servicePort: 80}]');
  const other = one.replace('namespace: team-a', 'namespace: team-b');

  const { routes, told } = imported(one + other);

  t.deepEqual(
    routes.map(({ metadata, spec }) => [metadata.namespace, spec.listeners[0]?.port]),
    [
      ['team-a', 9080],
      ['team-b', 9081],
    ],
  );
  t.true(told.some((line) => line.includes('namespace team-b listens on 9081')));
});

test('rules of several routes say where they came from', (t) => {
  const one = apisixRoute('backends: [{serviceName: cart, servicePort: 80}]');
  const other = one.replace('name: shop,', 'name: stock,').replaceAll('/cart', '/stock');

  const { routes, rules } = imported(one + other);

  t.is(routes[0]?.metadata.name, 'apisix');
  t.deepEqual(
    rules.map(({ name }) => name),
    ['shop-cart', 'stock-cart'],
  );
});

const objects: ReadonlyArray<readonly [what: string, yaml: string, message: RegExp]> = [
  [
    'a misspelt kind',
    'apiVersion: apisix.apache.org/v2\nkind: ApisixRouet',
    /in:2: refused: "ApisixRouet" is no kind/,
  ],
  [
    'an old version',
    'apiVersion: apisix.apache.org/v2beta3\nkind: ApisixRoute',
    /write it as apisix\.apache\.org\/v2$/,
  ],
  [
    'what concerns all routes',
    'apiVersion: apisix.apache.org/v2\nkind: ApisixGlobalRule',
    /changes what routes do/,
  ],
  [
    'streams',
    'apiVersion: apisix.apache.org/v2\nkind: ApisixRoute\nspec: {stream: [{name: a}]}',
    /serves HTTP, and no other streams/,
  ],
  ['nothing known', 'a: 1', /nothing of APISIX that is known here/],
  ['text', 'just text', /nothing of APISIX that is known here/],
  ['no YAML', 'a: [', /in:1: refused: /],
];

for (const [what, yaml, message] of objects) {
  test(`${what} is refused with its line`, (t) => {
    t.regex(imported(yaml).refused[0] ?? '', message);
  });
}

test('of two resources with one name nobody can say which is meant', (t) => {
  t.regex(
    imported(`${apisixUpstream}---${apisixUpstream}`).refused[0] ?? '',
    /was given already, at in:2/,
  );
});

test('what is no part of a route is left out, and said to be', (t) => {
  const deployment = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: nginx}\n---\n';

  const { told } = imported(
    deployment + apisixRoute('backends: [{serviceName: cart, servicePort: 80}]'),
  );

  t.true(told.includes('in:1: Deployment "nginx" is left out: it is no part of a route'));
});

test('a route of another kind is refused: its requests would find a rule that is there', (t) => {
  const ingress =
    'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: old}\nspec: {}\n---\n';

  const { refused } = imported(
    ingress + apisixRoute('backends: [{serviceName: cart, servicePort: 80}]'),
  );

  t.deepEqual(refused, [
    'in:1: refused: Ingress is a kind of route that cannot be carried over: write it as HTTPRoute, or leave it out',
  ]);
});

test('time-outs of proxy-mirror that are given twice are refused', (t) => {
  const config = 'plugin_attr: {proxy-mirror: {timeout: {connect: 1s}}}\n---\n';

  t.regex(imported(config + config).refused[0] ?? '', /were given already, at in:1/);
});

test('as many routes as a file holds are read', (t) => {
  const routes = Array.from({ length: 200_000 }, () => '{}').join();

  t.regex(imported(`{"routes": [${routes}]}`).refused[0] ?? '', /has neither uri nor uris/);
});
