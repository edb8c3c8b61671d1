import test from 'ava';
import { http2AnswerHead, readHttp2Head } from './http2-fields.ts';

const request = [
  ':method',
  'POST',
  ':scheme',
  'https',
  ':authority',
  'shop.example',
  ':path',
  '/a?b',
];

test('the authority is the Host, and pseudo-header fields are no fields', (t) => {
  t.deepEqual(readHttp2Head([...request, 'accept', '*/*', 'content-length', '3']), {
    method: 'POST',
    target: '/a?b',
    fields: ['host', 'shop.example', 'accept', '*/*', 'content-length', '3'],
    expect: null,
    length: '3',
  });
});

test('a Host that says the same is there once; another one is there too, to be refused', (t) => {
  const hostsOf = (...hosts: readonly string[]) =>
    readHttp2Head([...request, ...hosts.flatMap((host) => ['host', host])]).fields;
  t.deepEqual(hostsOf('shop.example'), ['host', 'shop.example']);
  t.deepEqual(hostsOf('admin.example'), ['host', 'shop.example', 'host', 'admin.example']);
});

test('without an authority the Host counts', (t) => {
  const { fields } = readHttp2Head([':method', 'GET', ':path', '/', 'host', 'shop.example']);
  t.deepEqual(fields, ['host', 'shop.example']);
});

test('pieces of Cookie become one field (RFC 9113 §8.2.3)', (t) => {
  const { fields } = readHttp2Head([...request, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2']);
  t.deepEqual(fields, ['host', 'shop.example', 'x', 'y', 'cookie', 'a=1; b=2']);
});

test('CONNECT has an authority for a target', (t) => {
  const { method, target } = readHttp2Head([':method', 'CONNECT', ':authority', 'a.example:443']);
  t.deepEqual([method, target], ['CONNECT', 'a.example:443']);
});

test('names of an answer are in lower case, each value stays a field', (t) => {
  t.deepEqual(http2AnswerHead(404, ['Set-Cookie', 'a=1', 'Set-Cookie', 'B=2']), [
    ...[':status', '404'],
    ...['set-cookie', 'a=1', 'set-cookie', 'B=2'],
  ]);
});
