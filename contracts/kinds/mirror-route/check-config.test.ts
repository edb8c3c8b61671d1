import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkMirrorRouteConfig } from './check-config.ts';

const golden = join(
  import.meta.dirname,
  '../../../test/golden/mirror-route/everything/config.json',
);

/** A whole configuration, with one value put in. */
function withValue(path: string, value: unknown): unknown {
  const config: unknown = JSON.parse(readFileSync(golden, 'utf8'));
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const holder = steps.reduce((at, step) => Reflect.get(Object(at), step), config);
  Reflect.set(Object(holder), last, value);
  return config;
}

const mirror = 'rules.0.mirrors.0';

const place = { host: 'shop', port: 443, service: null, protocol: 'HTTP1' };
const tls = { hostname: 'shop', minVersion: 'TLSv1.2', caCertificates: null };
const secure = { scheme: 'https', ...place, tls };
const ca = { namespace: 'team-a', name: 'ca', pem: 'PEM' };
const backend = 'rules.0.backends.0.origin';

const sound: ReadonlyArray<readonly [path: string, value: unknown]> = [
  ['pool', 'default'],
  ['hostnames', []],
  ['rules.0.matches.0.method', null],
  ['rules.0.rewrite', { hostname: null, path: null }],
  ['rules.0.mirrors', []],
  [backend, secure],
  [backend, { ...secure, tls: { ...tls, caCertificates: [ca, { ...ca, pem: null }] } }],
  ...['ReplaceFullPath', 'ReplacePrefixMatch', 'AddPrefix'].map(
    (type) => [`${mirror}.path`, { type, value: '/' }] as const,
  ),
  [`${mirror}.path`, null],
  [`${mirror}.mark`, null],
  [`${mirror}.sampling`, { strategy: 'Random' }],
  ...['Header', 'Cookie', 'QueryParam'].map(
    (type) => [`${mirror}.sampling.key`, { type, name: 'user' }] as const,
  ),
  ...['ClientIP', 'Path'].map((type) => [`${mirror}.sampling.key`, { type }] as const),
  ...['Preserve', 'Backend'].map((mode) => [`${mirror}.hostname`, { mode }] as const),
  ...['Literal', 'Suffix'].map((mode) => [`${mirror}.hostname`, { mode, value: '-a' }] as const),
  ...['Off', 'Status', 'Headers', 'Body'].map((mode) => [`${mirror}.compare.mode`, mode] as const),
];

for (const [path, value] of sound) {
  test(`a configuration: ${path} is ${JSON.stringify(value)}`, (t) => {
    t.is(checkMirrorRouteConfig(withValue(path, value)), null);
  });
}

const newer: ReadonlyArray<readonly [path: string, value: unknown, field: string]> = [
  ['rateLimits', [], 'rateLimits'],
  ['listeners.0.alpn', [], 'listeners[0].alpn'],
  ['rules.0.matches.1.path.caseSensitive', false, 'rules[0].matches[1].path.caseSensitive'],
  ['rules.0.matches.0.headers.0.invert', true, 'rules[0].matches[0].headers[0].invert'],
  [`${backend}.tls`, {}, 'rules[0].backends[0].origin.tls'],
  [backend, { ...secure, tls: { ...tls, verify: true } }, 'rules[0].backends[0].origin.tls.verify'],
  [`${mirror}.sampling.key.prefix`, 'a', 'rules[0].mirrors[0].sampling.key.prefix'],
  ['rules.0.mirrors.2.sampling.key.name', 'a', 'rules[0].mirrors[2].sampling.key.name'],
  ['rules.0.mirrors.2.hostname.value', 'a', 'rules[0].mirrors[2].hostname.value'],
  [`${mirror}.mark.hops`, 2, 'rules[0].mirrors[0].mark.hops'],
  [`${mirror}.compare.ignoreTrailers`, 1, 'rules[0].mirrors[0].compare.ignoreTrailers'],
];

for (const [path, value, field] of newer) {
  test(`a field from a newer version is named: ${path}`, (t) => {
    t.deepEqual(checkMirrorRouteConfig(withValue(path, value)), {
      field,
      problem: 'is not known to this version',
      unknownField: true,
    });
  });
}

const wrong: ReadonlyArray<readonly [path: string, value: unknown, field: string]> = [
  ['listeners.0.protocol', 'TCP', 'listeners[0].protocol'],
  ['listeners.0.tls', {}, 'listeners[0].tls.certificates'],
  ['rules', null, 'rules'],
  ['rules.0.matches.0.path.type', 'Suffix', 'rules[0].matches[0].path.type'],
  ['rules.0.matches.0.method', 7, 'rules[0].matches[0].method'],
  ['rules.0.rewrite.path', { type: 'ReplaceFullPath' }, 'rules[0].rewrite.path.value'],
  ['rules.0.backends.0.weight', -1, 'rules[0].backends[0].weight'],
  [`${backend}.scheme`, 'https', 'rules[0].backends[0].origin.tls'],
  [`${backend}.scheme`, 'h2c', 'rules[0].backends[0].origin.scheme'],
  [
    backend,
    { ...secure, tls: { ...tls, minVersion: 'TLSv1' } },
    'rules[0].backends[0].origin.tls.minVersion',
  ],
  [
    backend,
    { ...secure, tls: { ...tls, caCertificates: [{ ...ca, pem: 1 }] } },
    'rules[0].backends[0].origin.tls.caCertificates[0].pem',
  ],
  ['rules.0.backends.0.origin.port', 0, 'rules[0].backends[0].origin.port'],
  ['rules.0.requestHeaders.set.0.value', null, 'rules[0].requestHeaders.set[0].value'],
  ['rules.0.responseHeaders.remove.0', 1, 'rules[0].responseHeaders.remove[0]'],
  ['rules.0.timeouts.requestMs', '15s', 'rules[0].timeouts.requestMs'],
  [`${mirror}.fraction.denominator`, 0, 'rules[0].mirrors[0].fraction.denominator'],
  [`${mirror}.sampling`, null, 'rules[0].mirrors[0].sampling'],
  [`${mirror}.sampling.strategy`, 'Every', 'rules[0].mirrors[0].sampling.strategy'],
  [`${mirror}.sampling.key`, { type: 'Cookie' }, 'rules[0].mirrors[0].sampling.key.name'],
  [`${mirror}.sampling.key.type`, 'User', 'rules[0].mirrors[0].sampling.key.type'],
  [`${mirror}.hostname`, { mode: 'Suffix' }, 'rules[0].mirrors[0].hostname.value'],
  [`${mirror}.path.type`, 'Regex', 'rules[0].mirrors[0].path.type'],
  [`${mirror}.body.onOverflow`, 'Stream', 'rules[0].mirrors[0].body.onOverflow'],
  [`${mirror}.limits.queue`, 0.5, 'rules[0].mirrors[0].limits.queue'],
  [`${mirror}.circuitBreaker`, undefined, 'rules[0].mirrors[0].circuitBreaker'],
  [`${mirror}.compare.mode`, 'None', 'rules[0].mirrors[0].compare.mode'],
  ['addressPolicy.deny.0', 'Everything', 'addressPolicy.deny[0]'],
  ['limits.tunnels', 1.5, 'limits.tunnels'],
];

for (const [path, value, field] of wrong) {
  test(`no configuration: ${path} is ${JSON.stringify(value)}`, (t) => {
    t.like(checkMirrorRouteConfig(withValue(path, value)), { field, unknownField: false });
  });
}
