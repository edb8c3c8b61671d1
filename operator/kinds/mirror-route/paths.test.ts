import test from 'ava';
import { createFieldReader } from '../resolve-fields.ts';
import { readPath } from './paths.ts';

function isRefused(path: string): boolean {
  const read = createFieldReader();
  readPath(read, 'path', path);
  return 'problem' in read.resolve(null);
}

const ambiguous = [
  ...['/.', '/..', '/a/../b', '/a/./b', '/a/..', '/%2e%2e/b', '/a/.%2E'],
  ...['/a/..%2fb', '/a%2F..', '/a/..%5cb', '/a/..;x=1/b', '/a/..%3bx', '/..//'],
];

for (const path of ambiguous) {
  test(`a path that some server reads as another: ${path}`, (t) => {
    t.true(isRefused(path));
  });
}

const plain = [
  '/',
  '//',
  '/a..',
  '/..a',
  '/.well-known',
  '/a/.../b',
  '/a;..',
  '/%252e%252e',
  '/a%2fb',
];

for (const path of plain) {
  test(`a path that everybody reads alike: ${path}`, (t) => {
    t.false(isRefused(path));
  });
}
