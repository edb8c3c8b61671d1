import test from 'ava';
import { imported, mirroredBy } from '../../test/support/imported.ts';
import { prefixSubstitution } from './proxy-rewrite.ts';

const substitutions: ReadonlyArray<
  readonly [pattern: string, template: string, prefix: string, replacement: string]
> = [
  ['^/shop/(.*)', '/v2/$1', '/shop', '/v2'],
  ['^/shop/(.*)$', '/$1', '/shop', '/'],
  ['^/shop(/.*)', '/v2/api$1', '/shop', '/v2/api'],
  ['^/shop(.*)', '$1', '/shop', '/'],
];

for (const [pattern, template, prefix, replacement] of substitutions) {
  test(`${pattern} → ${template} replaces the prefix ${prefix}`, (t) => {
    t.deepEqual(prefixSubstitution(pattern, template), { prefix, replacement });
  });
}

const others: ReadonlyArray<readonly [pattern: string, template: string]> = [
  ['^/shop/(.*)', '/v2$1'],
  ['^/shop(/.*)', '/v2/$1'],
  ['/shop/(.*)', '/v2/$1'],
  ['^/sh.p/(.*)', '/v2/$1'],
  ['^/shop/(.*)/(.*)', '/$2/$1'],
  ['^/shop/(.*)', '/v2/$1/x'],
];

for (const [pattern, template] of others) {
  test(`${pattern} → ${template} replaces more or less than a prefix`, (t) => {
    t.is(prefixSubstitution(pattern, template), null);
  });
}

function filtersOf(rewrite: object, fields: object = {}) {
  const { rules, refused } = imported(mirroredBy({}, { 'proxy-rewrite': rewrite }, fields));
  return { filters: rules[0]?.filters ?? [], mirrors: rules[0]?.mirrors ?? [], refused };
}

test('proxy-rewrite becomes filters, and copies keep the path that came, as in APISIX', (t) => {
  const { filters, mirrors } = filtersOf(
    {
      uri: '/new',
      host: 'inner.example',
      headers: { set: { 'X-A': 'b', 'X-N': 1 }, add: { 'X-B': 'c' }, remove: ['X-C'] },
    },
    { uri: '/get' },
  );

  t.deepEqual(filters, [
    {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: {
        set: [
          { name: 'X-A', value: 'b' },
          { name: 'X-N', value: '1' },
        ],
        add: [{ name: 'X-B', value: 'c' }],
        remove: ['X-C'],
      },
    },
    {
      type: 'URLRewrite',
      urlRewrite: {
        hostname: 'inner.example',
        path: { type: 'ReplaceFullPath', replaceFullPath: '/new' },
      },
    },
  ]);
  t.like(mirrors[0], { path: { type: 'ReplaceFullPath', value: '/get' } });
});

test('in headers of older versions an empty value takes a field away', (t) => {
  const { filters } = filtersOf({ headers: { 'X-A': 'b', 'X-C': '' } });

  t.deepEqual(filters, [
    {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: { set: [{ name: 'X-A', value: 'b' }], remove: ['X-C'] },
    },
  ]);
});

test('regex_uri that replaces the prefix of the route becomes ReplacePrefixMatch', (t) => {
  const { filters, mirrors } = filtersOf(
    { regex_uri: ['^/shop/(.*)', '/v2/$1'] },
    { uri: '/shop/*' },
  );

  t.deepEqual(filters, [
    {
      type: 'URLRewrite',
      urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/v2' } },
    },
  ]);
  t.like(mirrors[0], { path: { type: 'ReplacePrefixMatch', value: '/shop' } });
});

const refused: ReadonlyArray<readonly [what: string, rewrite: object, message: RegExp]> = [
  ['a method', { method: 'POST' }, /method of requests cannot be changed/],
  ['TLS', { scheme: 'https' }, /write scheme: https in the upstream/],
  ['a path with variables', { uri: '/$host' }, /with variables or a query/],
  ['a path with a query', { uri: '/a?b=c' }, /with variables or a query/],
  ['a Host with a port', { host: 'a.example:81' }, /Host with a port/],
  [
    'another substitution',
    { regex_uri: ['^/(.*)x', '/$1'] },
    /regex_uri can be carried over where/,
  ],
  ['a header with variables', { headers: { set: { A: '$remote_addr' } } }, /A has variables/],
  [
    'a header changed twice',
    { headers: { set: { A: 'b' }, remove: ['a'] } },
    /a is changed in two ways/,
  ],
  ['a header of the connection', { headers: { set: { Host: 'a' } } }, /Host, Content-Length/],
  ['an unknown field', { uri: '/a', tuning: 1 }, /"tuning" cannot be carried over/],
];

for (const [what, rewrite, message] of refused) {
  test(`proxy-rewrite with ${what} is refused`, (t) => {
    const found = filtersOf(rewrite, { uri: '/get' });

    t.is(found.refused.length, 1);
    t.regex(found.refused[0] ?? '', message);
    t.deepEqual(found.filters, []);
  });
}

test('a plugin that is switched off is not there', (t) => {
  const off = { 'proxy-rewrite': { _meta: { disable: true }, method: 'POST' } };

  const { rules } = imported(mirroredBy({}, off));

  t.deepEqual(Object.keys(rules[0] ?? {}), ['matches', 'backendRefs', 'timeouts', 'mirrors']);
});
