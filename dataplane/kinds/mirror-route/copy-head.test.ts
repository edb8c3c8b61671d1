import test from 'ava';
import type { HeaderChange, MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { mirrorConfig, noHeaderChange } from '../../../test/support/mirror-route-config.ts';
import { copyHead, type PrimaryHead } from './copy-head.ts';

const primary: PrimaryHead = {
  method: 'POST',
  pathAndQuery: '/foo/bar?q=%2f',
  host: 'shop.example',
  fields: ['Authorization', 'Basic dTpw', 'X-Request-Id', '7', 'x-request-id', '8'],
};
const copyOf = (
  mirror: Partial<MirrorConfig>,
  head: Partial<PrimaryHead> = {},
  matchedPrefix = '/foo',
) => copyHead(mirrorConfig({ mark: null, ...mirror }), { ...primary, ...head }, matchedPrefix);
const change = (parts: Partial<HeaderChange>): HeaderChange => ({ ...noHeaderChange, ...parts });
const omit = { mode: 'Omit', maxBytes: 0, onOverflow: 'Skip' } as const;

test('a copy is what the primary leg sends, and the mark', (t) => {
  const copy = copyOf({ mark: { name: 'X-Mirrored-By', value: 'team-a/shop' } });

  t.deepEqual(copy, {
    method: 'POST',
    path: '/foo/bar?q=%2f',
    fields: ['Host', 'shop.example', ...primary.fields, 'X-Mirrored-By', 'team-a/shop'],
  });
});

test('R9: what is changed on the copy is not changed on the primary leg', (t) => {
  const fields = Object.freeze([...primary.fields]);
  const requestHeaders = change({
    remove: ['authorization'],
    set: [{ name: 'X-Request-Id', value: 'copy' }],
    add: [{ name: 'X-Env', value: 'canary' }],
  });

  const copy = copyOf({ requestHeaders }, { fields });

  t.deepEqual(copy.fields, [
    ...['Host', 'shop.example', 'X-Request-Id', 'copy', 'X-Env', 'canary'],
  ]);
  t.deepEqual(fields, primary.fields);
});

test('R11: a copy may go to another path, its query stays byte for byte', (t) => {
  const pathOf = (path: MirrorConfig['path']) => copyOf({ path }).path;

  t.is(pathOf({ type: 'ReplaceFullPath', value: '/one' }), '/one?q=%2f');
  t.is(pathOf({ type: 'ReplacePrefixMatch', value: '/xyz' }), '/xyz/bar?q=%2f');
  t.is(pathOf({ type: 'AddPrefix', value: '/v2' }), '/v2/foo/bar?q=%2f');
});

test('R10: the Host is the one that hostname says, and there is only one', (t) => {
  const fields = ['HOST', 'hidden.example', 'Accept', '*/*'];
  const requestHeaders = change({ set: [{ name: 'host', value: 'set.example' }] });

  const copy = copyOf(
    { hostname: { mode: 'Suffix', value: '-shadow' }, requestHeaders },
    { fields },
  );

  t.deepEqual(copy.fields, ['Host', 'shop.example-shadow', 'Accept', '*/*']);
});

test('R12: fields that frame, wait or belong to a hop are never copied, nor can a change add them', (t) => {
  const hop = [
    ...['Content-Length', '5', 'Transfer-Encoding', 'chunked', 'Expect', '100-continue'],
    ...['Connection', 'X-Hop', 'X-Hop', '1', 'Proxy-Authorization', 'Basic dTpw', 'TE', 'trailers'],
  ];
  const add = [
    { name: 'Content-Length', value: '7' },
    { name: 'Transfer-Encoding', value: 'chunked' },
    { name: 'Upgrade', value: 'h2c' },
  ];

  const copy = copyOf({ requestHeaders: change({ add }) }, { fields: [...hop, 'Accept', '*/*'] });

  t.deepEqual(copy.fields, ['Host', 'shop.example', 'Accept', '*/*']);
});

test('a copy without body says nothing about one, and nothing else is missing', (t) => {
  const about = ['Content-Type', 'text/plain', 'Content-Encoding', 'gzip', 'Content-Length', '5'];
  const other = ['Content-Language', 'en', 'Accept', '*/*'];
  const fields = [...about, 'Expect', '100-continue', ...other];

  t.deepEqual(copyOf({ body: omit }, { fields }).fields, ['Host', 'shop.example', ...other]);
  t.deepEqual(copyOf({}, { fields }).fields, [
    ...['Host', 'shop.example', 'Content-Type', 'text/plain', 'Content-Encoding', 'gzip', ...other],
  ]);
});

test('R14: the marks of others stay beside ours, so that a loop through two routes ends', (t) => {
  const fields = ['X-Mirrored-By', 'team-b/shop'];
  const mark = { name: 'X-Mirrored-By', value: 'team-a/shop' };

  const copy = copyOf({ mark }, { fields });

  t.deepEqual(copy.fields, ['Host', 'shop.example', ...fields, 'X-Mirrored-By', 'team-a/shop']);
});

test('a mirror cannot take the mark off', (t) => {
  const mark = { name: 'X-Mirrored-By', value: 'team-a/shop' };

  const copy = copyOf({ mark, requestHeaders: change({ remove: ['x-mirrored-by'] }) });

  t.deepEqual(copy.fields.slice(-2), ['X-Mirrored-By', 'team-a/shop']);
});
