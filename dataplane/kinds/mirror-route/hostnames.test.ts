import test from 'ava';
import { compileHostnames, hostnameRank } from './hostnames.ts';

const serves = (hostnames: readonly string[], host: string | null) =>
  hostnameRank(compileHostnames(hostnames), host) !== null;

const hosts: ReadonlyArray<readonly [hostname: string, host: string, served: boolean]> = [
  ['shop.example', 'shop.example', true],
  ['shop.example', 'SHOP.Example', true],
  ['shop.example', 'shop.example.', true],
  ['shop.example', 'shop.example:8080', true],
  ['shop.example', 'shop.example.:80', true],
  ['shop.example', 'shop.example:', true],
  ['shop.example', 'www.shop.example', false],
  ['shop.example', 'shop.example.evil', false],
  ['shop.example', 'shop.example..', false],
  ['shop.example', 'shop.example:80:80', false],
  ['shop.example', 'shop.example:port', false],
  ['shop.example', 'shop.example@evil', false],
  ['shop.example', '[shop.example]', false],
  ['shop.example', '', false],
  ['shop.example', ':80', false],
  ['*.shop.example', 'www.shop.example', true],
  ['*.shop.example', 'WWW.shop.example.:80', true],
  ['*.shop.example', 'a.b.shop.example', true],
  ['*.shop.example', 'shop.example', false],
  ['*.shop.example', '.shop.example', false],
  ['*.shop.example', 'workshop.example', false],
  ['*.shop.example', 'wwwshop.example', false],
  ['*.shop.example', 'www.shop.example.evil', false],
  ['*.shop.example', '*.shop.example', false],
  ['*.shop.example', '[::1]', false],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example', true],
  ['xn--bcher-kva.example', 'b\u00c3\u00bccher.example', false], // UTF-8 in a Host is no name
];

for (const [hostname, host, served] of hosts) {
  test(`"Host: ${host}" is ${served ? '' : 'not '}for ${hostname}`, (t) => {
    t.is(serves([hostname], host), served);
  });
}

test('without hostnames any Host is served, an address or none too', (t) => {
  for (const host of ['shop.example', '[::1]:80', '10.0.0.1', 'nonsense:x', null]) {
    t.true(serves([], host), String(host));
  }
});

test('a request without a Host is for no name', (t) => {
  t.false(serves(['shop.example', '*.shop.example'], null));
});

test('an exact name ranks above wildcards, a longer wildcard above a shorter, any host last', (t) => {
  const rank = (...hostnames: readonly string[]) =>
    hostnameRank(compileHostnames(hostnames), 'a.b.shop.example') ?? Number.NaN;

  const ranks = [
    rank(),
    rank('*.example'),
    rank('*.shop.example'),
    rank('*.b.shop.example'),
    rank('a.b.shop.example'),
  ];

  t.deepEqual(
    ranks,
    ranks.toSorted((one, other) => one - other),
  );
  t.is(new Set(ranks).size, 5);
});

test('of several names of one route the closest counts, in whatever order they are written', (t) => {
  const names = ['*.example', 'a.shop.example', '*.shop.example'];
  const rank = (host: string) => hostnameRank(compileHostnames(names), host);

  t.is(
    rank('b.shop.example'),
    hostnameRank(compileHostnames(['*.shop.example']), 'b.shop.example'),
  );
  t.is(
    rank('a.shop.example'),
    hostnameRank(compileHostnames(['a.shop.example']), 'a.shop.example'),
  );
});
