import test from 'ava';
import type { MatchConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import {
  matchConfig,
  mirrorConfig,
  mirrorRouteConfig,
  ruleConfig,
} from '../../../test/support/mirror-route-config.ts';
import type { RequestTraits } from './request-match.ts';
import { compileRouteTable, findRule } from './route-table.ts';

type Matches = Readonly<Record<string, Partial<MatchConfig> | readonly Partial<MatchConfig>[]>>;

/** A table of rules by name, in the order they are written. */
const tableOf = (rules: Matches) =>
  compileRouteTable(
    mirrorRouteConfig({
      rules: Object.entries(rules).map(([name, matches]) =>
        ruleConfig({ name, matches: [matches].flat().map(matchConfig) }),
      ),
    }),
  );
const request = (parts: Partial<RequestTraits> = {}): RequestTraits => ({
  method: 'GET',
  path: '/',
  query: null,
  fields: [],
  ...parts,
});
const found = (rules: Matches, parts: Partial<RequestTraits>) =>
  findRule(tableOf(rules), request(parts))?.rule.config.name ?? null;

const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } }) as const;
const exactly = (value: string) => ({ path: { type: 'Exact', value } }) as const;
const expression = (value: string) => ({ path: { type: 'RegularExpression', value } }) as const;
const is = (name: string, value = '1') => ({ type: 'Exact', name, value }) as const;

/** Each pair: what comes first has precedence, whatever the order of writing. */
const pairs: ReadonlyArray<
  readonly [what: string, first: Partial<MatchConfig>, second: Partial<MatchConfig>]
> = [
  ['an exact path before an expression', exactly('/api/a'), expression('/api/.*')],
  ['an exact path before a prefix', exactly('/api/a'), prefix('/api/a')],
  ['an expression before the longest prefix', expression('/.*'), prefix('/api/a')],
  ['a longer prefix before a shorter', prefix('/api/a'), prefix('/api')],
  ['any prefix before /', prefix('/api'), prefix('/')],
  [
    'a longer prefix before a method',
    prefix('/api'),
    { method: 'GET', headers: [is('a'), is('b')], queryParams: [is('c')] },
  ],
  ['a method before headers', { method: 'GET' }, { headers: [is('a'), is('b')] }],
  ['two headers before one', { headers: [is('a'), is('b')] }, { headers: [is('a')] }],
  ['a header before query parameters', { headers: [is('a')] }, { queryParams: [is('c'), is('d')] }],
  ['two parameters before one', { queryParams: [is('c'), is('d')] }, { queryParams: [is('c')] }],
  ['a parameter before none', { queryParams: [is('c')] }, {}],
];

for (const [what, first, second] of pairs) {
  test(`${what}`, (t) => {
    const both = { path: '/api/a', fields: ['A', '1', 'B', '1'], query: 'c=1&d=1' };

    t.is(found({ first, second }, both), 'first');
    t.is(found({ second, first }, both), 'first');
  });
}

const equal: Readonly<Record<string, readonly [Partial<MatchConfig>, Partial<MatchConfig>]>> = {
  'two of one prefix': [prefix('/api'), prefix('/api')],
  'prefixes that differ in the slash at their end': [prefix('/api'), prefix('/api/')],
  'two expressions, however long': [expression('/api/a'), expression('/(api|other)/[a-z]*')],
  'different headers': [{ headers: [is('a')] }, { headers: [is('b')] }],
  'a name that is repeated': [{ headers: [is('a')] }, { headers: [is('a'), is('a', '2')] }],
};

for (const [what, [one, other]] of Object.entries(equal)) {
  test(`${what} are equal: the order of writing decides`, (t) => {
    const both = { path: '/api/a', fields: ['A', '1', 'B', '1'] };

    t.is(found({ one, other }, both), 'one');
    t.is(found({ other, one }, both), 'other');
  });
}

test('what has precedence and does not match is passed over', (t) => {
  const rules = {
    admin: { ...prefix('/api'), headers: [is('admin')] },
    writes: { ...prefix('/api'), method: 'POST' },
    all: prefix('/'),
  };

  t.is(found(rules, { path: '/api', method: 'GET' }), 'all');
  t.is(found(rules, { path: '/api', method: 'POST' }), 'writes');
  t.is(found(rules, { path: '/api', fields: ['Admin', '1'] }), 'admin');
});

test('any of the matches of a rule will do', (t) => {
  const rules = { either: [exactly('/a'), exactly('/b')], rest: prefix('/c') };

  t.is(found(rules, { path: '/a' }), 'either');
  t.is(found(rules, { path: '/b' }), 'either');
  t.is(found(rules, { path: '/d' }), null);
});

test('the part of the path that matched is told', (t) => {
  const table = tableOf({
    all: prefix('/'),
    api: prefix('/api/'),
    one: exactly('/one/'),
    some: expression('/v[0-9]+/.*'),
  });
  const matched = (path: string) => findRule(table, request({ path }))?.matchedPrefix;

  t.deepEqual(['/x', '/api/a', '/api', '/one/', '/v2/a'].map(matched), [
    ...['', '/api', '/api', '/one/', '/v2/a'],
  ]);
});

const hostilePaths = ['/public/../admin', '/public/%2e%2e/admin', '/public/..%2fadmin', '/./admin'];

for (const path of hostilePaths) {
  test(`${path} gets past no rule: none is for it`, (t) => {
    const rules = [
      { public: prefix('/public'), admin: prefix('/admin') },
      { public: expression('/public/.*') },
      { rest: prefix('/'), admin: prefix('/admin') },
      { rest: prefix('/'), exact: exactly('/admin') },
      { exact: exactly(path) },
    ];

    for (const matches of rules) t.is(found(matches, { path }), null);
  });

  test(`${path} does not lead out of the path that a rule puts before it`, (t) => {
    const rewrite = { hostname: null, path: { type: 'AddPrefix', value: '/shop' } } as const;
    const table = compileRouteTable(mirrorRouteConfig({ rules: [ruleConfig({ rewrite })] }));

    t.is(findRule(table, request({ path })), null);
    t.not(findRule(table, request({ path: '/a' })), null);
  });

  test(`${path} goes on where every path is served alike`, (t) => {
    t.is(found({ all: prefix('/') }, { path }), 'all');
    t.is(found({ posts: { method: 'POST' }, all: {} }, { path }), 'all');
  });
}

test('slashes are not merged and nothing is decoded: such a path is another one', (t) => {
  const rules = { a: prefix('/a'), rest: prefix('/') };

  t.is(found(rules, { path: '//a' }), 'rest');
  t.is(found(rules, { path: '/a%2fb' }), 'rest');
  t.is(found(rules, { path: '/%61' }), 'rest');
  t.is(found(rules, { path: '/a//b' }), 'a');
});

test('a request for the server itself is for no rule', (t) => {
  t.is(found({ all: prefix('/') }, { method: 'OPTIONS', path: '*' }), null);
});

test('a rule comes with its backends and mirrors compiled', (t) => {
  const mirror = mirrorConfig({ fraction: { numerator: 1, denominator: 2 } });
  const table = compileRouteTable(
    mirrorRouteConfig({ rules: [ruleConfig({ mirrors: [mirror] })] }),
  );

  const route = findRule(table, request());

  t.like(route?.rule, {
    backends: { total: 1 },
    mirrors: [{ config: mirror, sampling: { share: 0.5 } }],
  });
});

test('where only prefixes match, a request costs no new object', (t) => {
  const table = tableOf({ all: prefix('/') });

  t.is(findRule(table, request({ path: '/a' })), findRule(table, request({ path: '/b' })));
});
