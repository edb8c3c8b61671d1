import test from 'ava';
import type { MatchConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { matchConfig } from '../../../test/support/mirror-route-config.ts';
import { compileMatch, matchesRequest, type RequestTraits } from './request-match.ts';
import { toWire } from './wire-text.ts';

const matches = (match: Partial<MatchConfig>, request: Partial<RequestTraits>) =>
  matchesRequest(compileMatch(matchConfig(match)), {
    method: 'GET',
    path: '/',
    query: null,
    fields: [],
    ...request,
  });
const exact = (name: string, value: string) => ({ type: 'Exact', name, value }) as const;
const pattern = (name: string, value: string) =>
  ({ type: 'RegularExpression', name, value }) as const;

type PathMatch = readonly [MatchConfig['path']['type'], string];

const paths: ReadonlyArray<readonly [match: PathMatch, path: string, expected: boolean]> = [
  [['PathPrefix', '/'], '/', true],
  [['PathPrefix', '/'], '/anything', true],
  [['PathPrefix', '/'], '//', true],
  [['PathPrefix', '/'], '*', false],
  [['PathPrefix', '/foo'], '/foo', true],
  [['PathPrefix', '/foo'], '/foo/', true],
  [['PathPrefix', '/foo'], '/foo/bar', true],
  [['PathPrefix', '/foo'], '/foobar', false],
  [['PathPrefix', '/foo'], '/fo', false],
  [['PathPrefix', '/foo'], '/Foo', false],
  [['PathPrefix', '/foo'], '/bar/foo', false],
  [['PathPrefix', '/foo/'], '/foo', true],
  [['PathPrefix', '/foo/'], '/foo/bar', true],
  [['PathPrefix', '/foo/'], '/foobar', false],
  [['PathPrefix', '/foo/bar'], '/foo/bar/baz', true],
  [['PathPrefix', '/foo/bar'], '/foo', false],
  [['PathPrefix', '/foo'], '/foo;x=1', false],
  [['PathPrefix', '/a'], '/a%2fb', false],
  [['PathPrefix', '/a'], '/%61', false],
  [['PathPrefix', '/a'], '//a', false],
  [['PathPrefix', '/a'], '/a//b', true],
  [['Exact', '/foo'], '/foo', true],
  [['Exact', '/foo'], '/foo/', false],
  [['Exact', '/foo/'], '/foo', false],
  [['Exact', '/a/b'], '/a%2fb', false],
  [['Exact', '/a%2Fb'], '/a%2fb', false],
  [['RegularExpression', '/v[0-9]+/.*'], '/v2/items', true],
  [['RegularExpression', '/v[0-9]+'], '/v2/items', false],
  [['RegularExpression', '/v[0-9]+'], '/api/v2', false],
  [['RegularExpression', '('], '/', false],
];

for (const [[type, value], path, expected] of paths) {
  test(`${type} ${value} ${expected ? 'matches' : 'does not match'} ${path}`, (t) => {
    t.is(matches({ path: { type, value } }, { path }), expected);
  });
}

test('a method is compared as it is written', (t) => {
  t.true(matches({ method: 'GET' }, { method: 'GET' }));
  t.false(matches({ method: 'GET' }, { method: 'HEAD' }));
  t.false(matches({ method: 'GET' }, { method: 'get' }));
  t.true(matches({ method: null }, { method: 'PURGE' }));
});

test('a header is found whatever the case of its name; the case of its value counts', (t) => {
  const red = { headers: [exact('x-tenant', 'red')] };

  t.true(matches(red, { fields: ['X-TENANT', 'red'] }));
  t.false(matches(red, { fields: ['X-Tenant', 'Red'] }));
  t.false(matches(red, { fields: ['X-Tenant', 'red, blue'] }));
  t.false(matches(red, { fields: [] }));
});

test('several lines of a header are one list, which has to match as a whole', (t) => {
  const fields = ['X-Tenant', 'red', 'x-tenant', 'blue'];

  t.true(matches({ headers: [exact('x-tenant', 'red, blue')] }, { fields }));
  t.false(matches({ headers: [exact('x-tenant', 'red')] }, { fields }));
  t.true(matches({ headers: [pattern('x-tenant', '(.*, )?blue(, .*)?')] }, { fields }));
});

test('a header that is missing matches no expression, an empty one may', (t) => {
  const any = { headers: [pattern('x-tenant', '.*')] };

  t.false(matches(any, { fields: [] }));
  t.true(matches(any, { fields: ['X-Tenant', ''] }));
});

test('a query parameter matches by its first value, decoded', (t) => {
  const query = { queryParams: [exact('q', 'a b'), pattern('lang', 'de|en')] };

  t.true(matches(query, { query: 'lang=en&q=a+b' }));
  t.true(matches(query, { query: 'q=a%20b&lang=de&lang=fr' }));
  t.false(matches(query, { query: 'q=a+b&lang=fr&lang=de' }));
  t.false(matches(query, { query: 'Q=a+b&lang=de' }));
  t.false(matches(query, { query: null }));
});

test('names and values outside ASCII match what clients send', (t) => {
  const green = { headers: [exact('x-c', 'grün')], queryParams: [exact('größe', 'ä')] };

  t.true(matches(green, { fields: ['X-C', toWire('grün')], query: 'gr%C3%B6%C3%9Fe=%C3%A4' }));
});

test('everything listed must match', (t) => {
  const all = {
    path: { type: 'PathPrefix', value: '/api' },
    method: 'GET',
    headers: [exact('a', '1'), exact('b', '2')],
    queryParams: [exact('c', '3'), exact('d', '4')],
  } as const;
  const request = { path: '/api/x', fields: ['A', '1', 'B', '2'], query: 'c=3&d=4' };

  t.true(matches(all, request));
  t.false(matches(all, { ...request, path: '/' }));
  t.false(matches(all, { ...request, method: 'POST' }));
  t.false(matches(all, { ...request, fields: ['A', '1', 'B', '3'] }));
  t.false(matches(all, { ...request, fields: ['B', '2'] }));
  t.false(matches(all, { ...request, query: 'c=3&d=5' }));
  t.false(matches(all, { ...request, query: 'd=4' }));
});

test('of several matches for one name the first counts, as in HTTPRoute', (t) => {
  const twice = {
    headers: [exact('a', '1'), exact('a', '2')],
    queryParams: [exact('c', '3'), exact('c', '4')],
  };

  t.true(matches(twice, { fields: ['A', '1'], query: 'c=3' }));
  t.false(matches(twice, { fields: ['A', '2'], query: 'c=4' }));
});
