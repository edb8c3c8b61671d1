import test from 'ava';
import { mirrorPath } from './mirror-path.ts';

const exact = { type: 'Exact', value: '/get' } as const;
const prefix = { type: 'PathPrefix', value: '/shop' } as const;
const everything = { type: 'PathPrefix', value: '/' } as const;
const replaced = { type: 'ReplaceFullPath', value: '/new' } as const;
const moved = { type: 'ReplacePrefixMatch', value: '/v2' } as const;
const plain = { mirrored: null, rewritten: null, rewrittenFirst: false, paths: [exact] };

test('copies have the path of the request, where nothing says otherwise', (t) => {
  t.is(mirrorPath(plain), null);
});

test('replace is the whole path, whatever the backend gets', (t) => {
  const mirrored = { mode: 'replace', value: '/a b' } as const;

  t.deepEqual(mirrorPath({ ...plain, mirrored, rewritten: replaced }), {
    type: 'ReplaceFullPath',
    value: '/a%20b',
  });
});

test('prefix goes before the path', (t) => {
  const mirrored = { mode: 'prefix', value: '/copies' } as const;

  t.deepEqual(mirrorPath({ ...plain, mirrored }), { type: 'AddPrefix', value: '/copies' });
});

test('copies are made before proxy-rewrite: an exact path is restored', (t) => {
  const mirrored = { mode: 'prefix', value: '/copies' } as const;

  t.deepEqual(mirrorPath({ ...plain, rewritten: replaced }), {
    type: 'ReplaceFullPath',
    value: '/get',
  });
  t.deepEqual(mirrorPath({ ...plain, mirrored, rewritten: replaced }), {
    type: 'ReplaceFullPath',
    value: '/copies/get',
  });
});

test('a prefix that was replaced is put back', (t) => {
  const mirrored = { mode: 'prefix', value: '/copies' } as const;

  t.deepEqual(mirrorPath({ ...plain, rewritten: moved, paths: [prefix, prefix] }), {
    type: 'ReplacePrefixMatch',
    value: '/shop',
  });
  t.deepEqual(mirrorPath({ ...plain, rewritten: moved, paths: [everything] }), {
    type: 'ReplacePrefixMatch',
    value: '/',
  });
  t.deepEqual(mirrorPath({ ...plain, mirrored, rewritten: moved, paths: [prefix] }), {
    type: 'ReplacePrefixMatch',
    value: '/copies/shop',
  });
});

test('what was lost cannot be restored', (t) => {
  for (const paths of [[prefix], [exact, { ...exact, value: '/other' }]]) {
    t.regex(JSON.stringify(mirrorPath({ ...plain, rewritten: replaced, paths })), /problem/);
  }
});

test('with proxy-rewrite first, copies have the new path, as they have here by themselves', (t) => {
  t.is(mirrorPath({ ...plain, rewritten: replaced, rewrittenFirst: true }), null);
});
