import test from 'ava';
import type { PathChange } from '../../../contracts/kinds/mirror-route/config.ts';
import { prefixAfter, rewritePath } from './rewrite-path.ts';

const replacePrefix = (value: string): PathChange => ({ type: 'ReplacePrefixMatch', value });
const replaceAll = (value: string): PathChange => ({ type: 'ReplaceFullPath', value });
const addPrefix = (value: string): PathChange => ({ type: 'AddPrefix', value });

/** The first eleven are the table of HTTPRoute's `replacePrefixMatch`. */
const replaced: ReadonlyArray<readonly [path: string, prefix: string, by: string, to: string]> = [
  ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
  ['/foo', '/foo', '/xyz', '/xyz'],
  ['/foo/', '/foo', '/xyz', '/xyz/'],
  ['/foo/bar', '/foo', '', '/bar'],
  ['/foo/', '/foo', '', '/'],
  ['/foo', '/foo', '', '/'],
  ['/foo/', '/foo', '/', '/'],
  ['/foo', '/foo', '/', '/'],
  ['/foo/bar', '/foo', '/', '/bar'],
  ['/bar', '', '/xyz', '/xyz/bar'],
  ['/', '', '/xyz', '/xyz/'],
  ['/bar', '/', '/xyz', '/xyz/bar'],
  ['/', '', '/', '/'],
  ['/foo//bar', '/foo', '/xyz', '/xyz//bar'],
  ['/foo/foo', '/foo', '/xyz', '/xyz/foo'],
  ['/foo/a%2Fb', '/foo', '/xyz', '/xyz/a%2Fb'],
  ['/other', '/foo', '/xyz', '/other'],
];

for (const [path, prefix, by, to] of replaced) {
  test(`${path} with ${prefix || '""'} replaced by ${by || '""'} is ${to}`, (t) => {
    t.is(rewritePath(path, replacePrefix(by), prefix), to);
  });
}

test('a prefix goes before the whole path, whatever matched', (t) => {
  t.is(rewritePath('/foo/bar', addPrefix('/v2'), '/foo'), '/v2/foo/bar');
  t.is(rewritePath('/foo', addPrefix('/v2/'), '/foo'), '/v2/foo');
  t.is(rewritePath('/', addPrefix('/v2'), ''), '/v2/');
  t.is(rewritePath('/a', addPrefix('/'), ''), '/a');
});

test('a whole path is replaced by another', (t) => {
  t.is(rewritePath('/foo/bar', replaceAll('/one'), '/foo'), '/one');
  t.is(rewritePath('/foo/bar', replaceAll('/one/'), '/foo'), '/one/');
  t.is(rewritePath('/foo', replaceAll(''), '/foo'), '/');
});

const queries = ['?', '??', '?a=%2f&b=+&&c', '?next=/foo/bar', '?%zz=\u00ff', '?a#b'];

for (const query of queries) {
  test(`the query ${JSON.stringify(query)} stays byte for byte`, (t) => {
    const all = [replacePrefix('/xyz'), replaceAll('/xyz/bar'), addPrefix('/v2')];

    const paths = all.map((change) => rewritePath(`/foo/bar${query}`, change, '/foo'));

    t.deepEqual(paths, [`/xyz/bar${query}`, `/xyz/bar${query}`, `/v2/foo/bar${query}`]);
  });
}

test('without a change the path is the one that came', (t) => {
  t.is(rewritePath('/foo/../bar?x', null, '/foo'), '/foo/../bar?x');
});

test('a mirror replaces what the rule put in the place of the matched prefix', (t) => {
  const copies = [null, replacePrefix('/xyz'), replaceAll('/one'), addPrefix('/v2')].map((rule) => {
    const primary = rewritePath('/foo/bar?q', rule, '/foo');
    return rewritePath(primary, replacePrefix('/copy'), prefixAfter(rule, '/foo'));
  });

  t.deepEqual(copies, ['/copy/bar?q', '/copy/bar?q', '/copy?q', '/copy/bar?q']);
});
