import test from 'ava';
import { adminRoute, imported, mirroredBy } from '../../test/support/imported.ts';

function mirrorOf(config: object) {
  const { rules, refused, told } = imported(mirroredBy(config));
  return { mirror: rules[0]?.mirrors?.[0] ?? null, refused, told };
}

test('host, path and sample_ratio become a mirror', (t) => {
  const { mirror, refused } = mirrorOf({
    host: 'http://nginx.aic.svc:8081',
    path: '/copies',
    path_concat_mode: 'prefix',
    sample_ratio: 0.333,
  });

  t.deepEqual(refused, []);
  t.deepEqual(mirror, {
    name: 'mirror',
    backendRef: { url: 'http://nginx.aic.svc:8081' },
    fraction: { numerator: 333, denominator: 1000 },
    path: { type: 'AddPrefix', value: '/copies' },
  });
});

test('a path without a mode is the whole path', (t) => {
  t.like(mirrorOf({ path: '/a' }).mirror, { path: { type: 'ReplaceFullPath', value: '/a' } });
});

test('copies go over TLS where they did, and that certificates are checked is said', (t) => {
  const { mirror, told } = mirrorOf({ host: 'https://mirror.example:8443' });

  t.like(mirror, { backendRef: { url: 'https://mirror.example:8443' } });
  t.true(told.some((line) => line.includes('certificates of mirrors are checked')));
});

test('copies of gRPC go over HTTP/2 where they did, with TLS or without', (t) => {
  const protocol = 'HTTP2';

  t.deepEqual(mirrorOf({ host: 'grpc://mirror.example:50051' }).mirror?.backendRef, {
    url: 'http://mirror.example:50051',
    protocol,
  });
  const { mirror, told } = mirrorOf({ host: 'grpcs://mirror.example' });
  t.deepEqual(mirror?.backendRef, { url: 'https://mirror.example', protocol });
  t.true(told.some((line) => line.includes('certificates of mirrors are checked')));
});

test('the path of a gRPC call stays, as in APISIX, and that is said', (t) => {
  const { mirror, told } = mirrorOf({ host: 'grpc://mirror.example', path: '/a' });

  t.is(mirror?.path, undefined);
  t.true(told.some((line) => line.includes('APISIX ignores path where copies are gRPC')));
});

for (const host of ['http://a', 'http://ab.com', 'http://[::1]', 'http://[2001:db8::1]:202']) {
  test(`${host} is an address as APISIX takes it`, (t) => {
    t.like(mirrorOf({ host }).mirror, { backendRef: { url: host } });
  });
}

const badHosts: ReadonlyArray<readonly [host: unknown, message: RegExp]> = [
  ['http://mirror.example/path', /host has a path: write it as path of proxy-mirror/],
  ['http://mirror.example/', /host has a path/],
  ['ftp://mirror.example', /not an address such as/],
  ['mirror.example', /not an address such as/],
  ['http://mirror.example::80', /not an address such as/],
  ['http://mirror.example:0', /0 is not a port/],
  ['http://mirror.example:99999', /99999 is not a port/],
  ['http://ann:secret@mirror.example', /not an address such as/],
  [undefined, /needs host/],
  [8081, /8081 is not text/],
];

for (const [host, message] of badHosts) {
  test(`host ${host} is refused with its line, and nothing of a password is shown`, (t) => {
    const { mirror, refused } = mirrorOf({ host });

    t.is(mirror, null);
    t.regex(refused[0] ?? '', message);
    t.regex(refused[0] ?? '', /^in:1: refused: /);
    t.notRegex(refused.join(), /secret/);
  });
}

const badFields: ReadonlyArray<readonly [config: object, message: RegExp]> = [
  [{ sample_ratio: 0 }, /sample_ratio: 0 is not a part of all requests, from 0\.00001 to 1/],
  [{ sample_ratio: 10 }, /sample_ratio: 10 is not a part/],
  [{ sample_ratio: '0.5' }, /"0\.5" is not a number/],
  [{ path: 'a' }, /begins with "\/"/],
  [{ path: '/' }, /goes on behind it/],
  [{ path: '/a?a=c' }, /has no "\?"/],
  [{ path: '/a', path_concat_mode: 'suffix' }, /neither replace nor prefix/],
  [{ path: '/a/../b' }, /no valid MirrorRoute: .*mirrors\[0\]\.path\.value/],
  [{ _meta: { filter: [['arg_a', '==', '1']] } }, /for some requests of a route only/],
];

for (const [config, message] of badFields) {
  test(`proxy-mirror with ${JSON.stringify(config)} is refused`, (t) => {
    const { mirror, refused } = mirrorOf(config);

    t.is(mirror, null);
    t.is(refused.length, 1);
    t.regex(refused[0] ?? '', message);
  });
}

test('a ratio finer than a millionth is rounded, and said to be', (t) => {
  const { mirror, told } = mirrorOf({ sample_ratio: 0.123_456_7 });

  t.like(mirror, { fraction: { numerator: 123_457, denominator: 1_000_000 } });
  t.true(told.some((line) => line.includes('becomes 123457 of 1000000')));
});

test('a field that APISIX ignores is left out, and said to be', (t) => {
  const { mirror, told } = mirrorOf({ mode: 'prefix' });

  t.not(mirror, null);
  t.true(told.some((line) => line.includes('has no field "mode"')));
});

test('whoever mirrors to this machine is told that Headgate runs on another', (t) => {
  const { told } = mirrorOf({ host: 'http://127.0.0.1:8081' });

  t.true(told.some((line) => line.includes('127.0.0.1 is where Headgate runs')));
});

const othersPlugins: ReadonlyArray<readonly [name: string, message: RegExp]> = [
  ['key-auth', /plugin "key-auth" cannot be carried over: keep this route in APISIX/],
  ['prometheus', /plugin "prometheus" cannot be carried over: remove it/],
  ['constructor', /plugin "constructor" cannot be carried over: keep this route/],
];

for (const [name, message] of othersPlugins) {
  test(`the plugin ${name} is refused by name, and nothing of its configuration is shown`, (t) => {
    const { rules, refused } = imported(mirroredBy({}, { [name]: { key: 'secret' } }));

    t.deepEqual(rules, []);
    t.is(refused.length, 1);
    t.regex(refused[0] ?? '', message);
    t.notRegex(refused[0] ?? '', /secret/);
  });
}

test('a route without proxy-mirror alone is a forgotten file, most likely', (t) => {
  t.regex(imported(adminRoute({ plugins: {} })).refused[0] ?? '', /no route has proxy-mirror/);
  t.regex(imported('plugin_attr: {proxy-mirror: {}}').refused[0] ?? '', /there is no route/);
});
