import test from 'ava';
import { hasDotSegment } from './dot-segments.ts';

const hostile = [
  '/a/../b',
  '/a/./b',
  '/..',
  '/.',
  '/a/..',
  '/a/%2e%2e/b',
  '/a/%2E./b',
  '/a/.%2e',
  '/a/..%2fb',
  '/a/..%2Fb',
  '/a%2f..%2fb',
  '/a/..\\b',
  '\\..\\a',
  '/a%5c..%5cb',
  '/a/..;/b',
  '/a/..;x=1/b',
  '/a/..%3b/b',
  '/a//../b',
  '..',
];

for (const path of hostile) {
  test(`${path} may be another path to whoever gets it`, (t) => t.true(hasDotSegment(path)));
}

const harmless = [
  '/',
  '//a',
  '/a%2fb',
  '/a.css',
  '/.well-known/x',
  '/..a',
  '/a..',
  '/a../b',
  '/...',
  '/a/.../b',
  '/a/%2e%2e%2e/b',
  '/a;..b',
  '/a/%252e%252e/b', // decoded once it is %2e%2e, a name like any other
  '/%2ea',
];

for (const path of harmless) {
  test(`${path} is what it seems to be`, (t) => t.false(hasDotSegment(path)));
}
