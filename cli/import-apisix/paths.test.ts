import test from 'ava';
import { encodePath, readPath } from './paths.ts';

const paths: ReadonlyArray<readonly [written: string, type: string, value: string]> = [
  ['/get', 'Exact', '/get'],
  ['/', 'Exact', '/'],
  ['/*', 'PathPrefix', '/'],
  ['/shop/*', 'PathPrefix', '/shop'],
  ['/shop*', 'RegularExpression', '/shop.*'],
  ['/v1.0*', 'RegularExpression', String.raw`/v1\.0.*`],
  ['/a:b', 'Exact', '/a:b'],
];

for (const [written, type, value] of paths) {
  test(`${written} is ${type} ${value}`, (t) => {
    t.like(readPath(written), { path: { type, value } });
  });
}

test('a prefix ends with a segment, so it is for the segment alone too, which is said', (t) => {
  t.like(readPath('/shop/*'), { note: '"/shop/*" becomes a prefix, which is for "/shop" too' });
});

for (const written of ['/blog/:name', '/a/*/b', '/*tail', 'get', '*']) {
  test(`${written} is no path that everybody reads alike`, (t) => {
    t.true('problem' in readPath(written));
  });
}

test('what stands decoded in APISIX stands encoded here, as requests have it', (t) => {
  t.is(encodePath('/a b/grün/50%25'), '/a%20b/gr%C3%BCn/50%25');
});
