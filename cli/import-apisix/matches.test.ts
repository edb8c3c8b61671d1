import test from 'ava';
import { adminRoute, imported } from '../../test/support/imported.ts';

function matchesFor(fields: object) {
  const { rules, refused, told } = imported(adminRoute(fields));
  return { matches: rules[0]?.matches ?? [], refused, told };
}

const any = { path: { type: 'PathPrefix', value: '/' } };

test('every path with every method is a match', (t) => {
  const { matches } = matchesFor({ uri: undefined, uris: ['/a', '/b/*'], methods: ['GET', 'PUT'] });

  t.deepEqual(
    matches.map(({ path, method }) => `${method} ${path.type} ${path.value}`),
    ['GET Exact /a', 'PUT Exact /a', 'GET PathPrefix /b', 'PUT PathPrefix /b'],
  );
});

test('a method that cannot be asked for is left out, and said to be', (t) => {
  const { matches, told } = matchesFor({ methods: ['GET', 'TRACE'] });

  t.deepEqual(matches, [{ ...any, method: 'GET' }]);
  t.true(told.some((line) => line.includes('TRACE cannot be asked for')));
  t.regex(matchesFor({ methods: ['TRACE'] }).refused[0] ?? '', /none of the methods TRACE/);
});

test('conditions on headers and query parameters become matches', (t) => {
  const { matches } = matchesFor({
    vars: [
      ['http_x_user', '==', 'ann'],
      ['http_x_kind', 'in', ['a.b', 'c']],
      ['arg_age', '==', 5],
      ['arg_name', '~~', '^json$'],
      ['arg_city', '~*', 'berlin'],
    ],
  });

  t.deepEqual(matches, [
    {
      ...any,
      headers: [
        { name: 'x-user', value: 'ann' },
        { type: 'RegularExpression', name: 'x-kind', value: String.raw`a\.b|c` },
      ],
      queryParams: [
        { name: 'age', value: '5' },
        { type: 'RegularExpression', name: 'name', value: 'json' },
        { type: 'RegularExpression', name: 'city', value: '(?i).*berlin.*' },
      ],
    },
  ]);
});

test('a condition on the path takes its place, where the path is any', (t) => {
  const vars = [['uri', '~~', '^/v[0-9]+/']];

  t.deepEqual(matchesFor({ vars }).matches, [
    { path: { type: 'RegularExpression', value: '/v[0-9]+/.*' } },
  ]);
  t.regex(matchesFor({ uri: '/a', vars }).refused[0] ?? '', /goes with the path "\/\*" only/);
});

const refused: ReadonlyArray<readonly [what: string, fields: object, message: RegExp]> = [
  ['a cookie', { vars: [['cookie_a', '==', '1']] }, /cannot ask for "cookie_a"/],
  ['what must not be', { vars: [['arg_a', '~=', '1']] }, /cannot compare with "~="/],
  ['what must not match', { vars: [['arg_a', '!', '~~', '1']] }, /cannot compare with "!~~"/],
  [
    'several values',
    { vars: [['arg_a', '==', ['1', '2']]] },
    /"==" compares with one value, and 2 are given/,
  ],
  ['an order', { vars: [['arg_a', '>', 1]] }, /cannot compare with ">"/],
  ['alternatives', { vars: ['OR', ['arg_a', '==', '1']] }, /joined with OR/],
  [
    'two conditions on one',
    {
      vars: [
        ['arg_a', '==', 1],
        ['arg_a', '~~', 1],
      ],
    },
    /a second condition/,
  ],
  ['half a condition', { vars: [['arg_a']] }, /is not a condition such as/],
  ['look-ahead', { vars: [['arg_a', '~~', '(?=a)']] }, /not a regular expression of RE2/],
  ['nothing to be equal to', { vars: [['arg_a', '==', '']] }, /no valid MirrorRoute/],
  ['a parameter in a path', { uri: '/blog/:name' }, /"\/blog\/:name" has a parameter/],
  ['no path', { uri: undefined, uris: [] }, /neither uri nor uris/],
  [
    'addresses of clients',
    { remote_addrs: ['10.0.0.1'] },
    /"remote_addrs" cannot be carried over: allowedClientCIDRs/,
  ],
  [
    'code',
    { filter_func: 'function(vars) return true end' },
    /"filter_func" cannot be carried over/,
  ],
  ['a strange host', { host: '*shop.example' }, /"\*" may only stand for all names below one/],
  ['an address for a host', { host: '10.0.0.1' }, /spec\.hostnames/],
  [
    'too many matches',
    {
      uris: Array.from({ length: 33 }, (_, n) => `/${n}`),
      uri: undefined,
      methods: ['GET', 'PUT'],
    },
    /64 at most/,
  ],
];

for (const [what, fields, message] of refused) {
  test(`a route that asks for ${what} is refused`, (t) => {
    const { matches, refused } = matchesFor(fields);

    t.deepEqual(matches, []);
    t.regex(refused[0] ?? '', message);
  });
}

function rulesOf(routes: readonly object[]) {
  const plugins = { 'proxy-mirror': { host: 'http://mirror.example' } };
  const upstream = { nodes: { 'shop.example': 1 } };
  return imported(JSON.stringify(routes.map((route) => ({ plugins, upstream, ...route }))));
}

test('hosts that all rules have are hostnames', (t) => {
  const { routes } = rulesOf([
    { id: 'a', uri: '/a', hosts: ['Shop.example', '*.shop.example'] },
    { id: 'b', uri: '/b', hosts: ['*.shop.example', 'shop.example'] },
  ]);

  t.like(routes[0], { spec: { hostnames: ['shop.example', '*.shop.example'] } });
  t.is(routes[0]?.spec.rules[0]?.matches[0]?.headers, undefined);
});

test('hosts that only some rules have are asked for by these', (t) => {
  const { routes, rules } = rulesOf([
    { id: 'a', uri: '/a', host: 'a.example' },
    { id: 'b', uri: '/b' },
  ]);

  t.is(routes[0]?.spec.hostnames, undefined);
  t.deepEqual(rules[0]?.matches[0]?.headers, [
    { type: 'RegularExpression', name: 'Host', value: String.raw`(?i)a\.example\.?(:[0-9]*)?` },
  ]);
  t.is(rules[1]?.matches[0]?.headers, undefined);
});

test('a higher priority comes first, so that it wins among equals', (t) => {
  const { rules, refused } = rulesOf([
    { id: 'a', uri: '/a' },
    { id: 'b', uri: '/a', priority: 5 },
  ]);

  t.deepEqual(refused, []);
  t.deepEqual(
    rules.map(({ name }) => name),
    ['b', 'a'],
  );
});

const conflicts: ReadonlyArray<readonly [what: string, routes: readonly object[]]> = [
  [
    'a priority that is against the order of a MirrorRoute',
    [
      { id: 'a', uri: '/a', priority: 5 },
      { id: 'b', uri: '/a', methods: ['GET'] },
    ],
  ],
  [
    'an expression that would take requests from a longer prefix',
    [
      { id: 'a', uri: '/shop/cart/*' },
      { id: 'b', uri: '/sh*' },
    ],
  ],
  [
    'a host that APISIX looks at before the path',
    [
      { id: 'a', uri: '/*', host: 'a.example' },
      { id: 'b', uri: '/api/*' },
    ],
  ],
];

for (const [what, routes] of conflicts) {
  test(`${what} is refused, at the route that would lose requests`, (t) => {
    const { rules, refused } = rulesOf(routes);

    t.is(refused.length, 1);
    t.regex(refused[0] ?? '', /would go to that one/);
    t.deepEqual(rules.length, 1);
    t.is(rulesOf(routes.toReversed()).refused.length, 1);
  });
}

test('rules that can meet no request are in no one’s way', (t) => {
  const { refused } = rulesOf([
    { id: 'a', uri: '/*', host: 'a.example', priority: 1 },
    { id: 'b', uri: '/api/*', host: 'b.example' },
    { id: 'c', uri: '/api/x', host: 'b.example', methods: ['GET'] },
    { id: 'd', uri: '/api/x', host: 'b.example', methods: ['PUT'], priority: 9 },
    { id: 'e', uri: '/a*', host: 'c.example' },
    { id: 'f', uri: '/ab*', host: 'c.example' },
  ]);

  t.deepEqual(refused, []);
});
