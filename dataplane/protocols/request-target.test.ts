import test from 'ava';
import { fieldsFor, parseRequestTarget, type RequestTarget } from './request-target.ts';

const fields = ['Host', 'shop.example:8080'];

test('an origin-form target keeps path and query byte for byte', (t) => {
  t.deepEqual(parseRequestTarget('/a/%2e%2e/b//c?x=1?y&z=%zz', fields), {
    host: 'shop.example:8080',
    pathAndQuery: '/a/%2e%2e/b//c?x=1?y&z=%zz',
    path: '/a/%2e%2e/b//c',
    query: 'x=1?y&z=%zz',
  });
});

test('an empty query is a query', (t) => {
  t.like(parseRequestTarget('/a?', fields), { path: '/a', query: '' });
  t.like(parseRequestTarget('/a', fields), { path: '/a', query: null });
});

test('the authority of an absolute target replaces the Host', (t) => {
  t.deepEqual(parseRequestTarget('http://other.example:81?q', fields), {
    host: 'other.example:81',
    pathAndQuery: '/?q',
    path: '/',
    query: 'q',
  });
});

test('a request without Host has an empty one', (t) => {
  t.like(parseRequestTarget('/', []), { host: '' });
});

test('what is no target of a server is refused', (t) => {
  for (const text of [
    '*',
    '',
    'shop.example:443',
    '/a#b',
    '/a\u00e9',
    'ftp://a/b',
    'http://u:p@a/',
  ]) {
    t.true('problem' in parseRequestTarget(text, fields), text);
  }
});

test('fields say whom a request is for: an absolute target wins, and nothing else is touched', (t) => {
  const received = ['A', '1', 'hOST', 'shop.example:8080', 'A', '2'];
  const target = (text: string, of = received) => parseRequestTarget(text, of) as RequestTarget;

  t.is(fieldsFor(target('/a'), received), received);
  t.is(fieldsFor(target('http://shop.example:8080/a'), received), received);
  t.deepEqual(fieldsFor(target('http://other.example/a'), received), [
    ...['Host', 'other.example', 'A', '1', 'A', '2'],
  ]);
  t.deepEqual(fieldsFor(target('http://other.example/a', []), []), ['Host', 'other.example']);
  t.deepEqual(fieldsFor(target('/a', []), []), []);
});
