import test from 'ava';
import type { MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { mirrorHost } from './mirror-host.ts';

const origin = {
  scheme: 'http',
  host: 'mirror.example',
  port: 8081,
  service: null,
  protocol: 'HTTP1',
} as const;
const hostOf = (hostname: MirrorConfig['hostname'], host = 'shop.example:8080') =>
  mirrorHost({ hostname, origin }, host);

test('the Host of a copy is that of the primary leg, of the mirror, or a name of its own', (t) => {
  t.is(hostOf({ mode: 'Preserve' }), 'shop.example:8080');
  t.is(hostOf({ mode: 'Backend' }), 'mirror.example:8081');
  t.is(hostOf({ mode: 'Literal', value: 'other.example' }), 'other.example');
});

test('the Host of a mirror is written as clients write it', (t) => {
  const backend = (host: string, port: number) =>
    mirrorHost(
      { hostname: { mode: 'Backend' }, origin: { ...origin, host, port } },
      'shop.example',
    );

  t.is(backend('mirror.example', 80), 'mirror.example');
  t.is(backend('::1', 80), '[::1]');
  t.is(backend('::1', 8081), '[::1]:8081');
  t.is(backend('10.0.0.1', 8081), '10.0.0.1:8081');
});

test('the port that is left out over TLS is another one', (t) => {
  const tls = { hostname: 'mirror.example', minVersion: 'TLSv1.2', caCertificates: null } as const;
  const backend = (port: number) => {
    const secure = { ...origin, scheme: 'https', port, tls } as const;
    return mirrorHost({ hostname: { mode: 'Backend' }, origin: secure }, 'shop.example');
  };

  t.is(backend(443), 'mirror.example');
  t.is(backend(80), 'mirror.example:80');
});

const suffixed: ReadonlyArray<readonly [host: string, expected: string]> = [
  ['shop.example', 'shop.example-shadow'],
  ['shop.example:8080', 'shop.example-shadow:8080'],
  ['Shop.Example:80', 'Shop.Example-shadow:80'],
  ['shop.example.', 'shop.example-shadow.'],
  ['shop.example.:8080', 'shop.example-shadow.:8080'],
  ['shop', 'shop-shadow'],
  ['[::1]', '[::1]'],
  ['[::1]:8080', '[::1]:8080'],
  ['[2001:db8::1]', '[2001:db8::1]'],
  ['10.0.0.1', '10.0.0.1'],
  ['10.0.0.1:8080', '10.0.0.1:8080'],
  ['10.0.0.1.example', '10.0.0.1.example-shadow'],
  ['', ''],
  [':8080', ':8080'],
];

for (const [host, expected] of suffixed) {
  test(`R10: "${host}" with a suffix is "${expected}"`, (t) => {
    t.is(hostOf({ mode: 'Suffix', value: '-shadow' }, host), expected);
  });
}
