import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkForwardProxyConfig, isForwardProxyConfig } from './check-config.ts';

const golden = join(
  import.meta.dirname,
  '../../../test/golden/forward-proxy/everything/config.json',
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

test('a configuration is one', (t) => {
  t.true(isForwardProxyConfig(withValue('pool', 'default')));
});

test('a field from a newer version is named, wherever it is', (t) => {
  t.deepEqual(checkForwardProxyConfig(withValue('egress.rules.0.methods', ['GET'])), {
    field: 'egress.rules[0].methods',
    problem: 'is not known to this version',
    unknownField: true,
  });
  t.like(checkForwardProxyConfig(withValue('rateLimits', [])), { unknownField: true });
  t.like(checkForwardProxyConfig(withValue('authentication.tokens', 1)), { unknownField: true });
});

const wrong: ReadonlyArray<readonly [path: string, value: unknown, field: string]> = [
  ['listeners', null, 'listeners'],
  ['listeners.0.port', 0, 'listeners[0].port'],
  ['listeners.0.protocol', 'HTTPS', 'listeners[0].protocol'],
  ['authentication', undefined, 'authentication'],
  ['authentication.mode', 'ClientCertificate', 'authentication.mode'],
  ['authentication.secret.digest', null, 'authentication.secret.digest'],
  ['connect.allowedPorts.0.to', 65_536, 'connect.allowedPorts[0].to'],
  ['egress.addressPolicy.deny.0', 'Everything', 'egress.addressPolicy.deny[0]'],
  ['timeouts.idleMs', '60s', 'timeouts.idleMs'],
  ['timeouts.idleMs', -1, 'timeouts.idleMs'],
  ['limits.tunnels', 1.5, 'limits.tunnels'],
  ['accessLog.enabled', 'true', 'accessLog.enabled'],
];

for (const [path, value, field] of wrong) {
  test(`no configuration: ${path} is ${JSON.stringify(value)}`, (t) => {
    t.like(checkForwardProxyConfig(withValue(path, value)), { field, unknownField: false });
  });
}
