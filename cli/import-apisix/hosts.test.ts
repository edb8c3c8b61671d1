import test from 'ava';
import { RE2JS } from 're2js';
import { hostMatch, hostRank } from './hosts.ts';

function hostsMatchedBy(hosts: readonly string[], candidates: readonly string[]) {
  const pattern = RE2JS.compile(hostMatch(hosts).value);
  return candidates.filter((candidate) => pattern.testExact(candidate));
}

test('a rule with a host of its own asks for the Host, with any port and in any case', (t) => {
  const found = hostsMatchedBy(
    ['shop.example'],
    ['shop.example', 'Shop.Example:9080', 'shop.example.', 'shopxexample', 'a.shop.example'],
  );

  t.deepEqual(found, ['shop.example', 'Shop.Example:9080', 'shop.example.']);
});

test('a wildcard is every name below, at any depth', (t) => {
  const found = hostsMatchedBy(
    ['*.shop.example', 'other.example'],
    ['shop.example', 'a.shop.example', 'a.b.shop.example:80', 'other.example', '.shop.example'],
  );

  t.deepEqual(found, ['a.shop.example', 'a.b.shop.example:80', 'other.example']);
});

test('an exact host ranks above wildcards, a long wildcard above a short one, all above any', (t) => {
  const host = 'a.b.example';
  const ranks = [[host], ['*.b.example'], ['*.example'], []].map((hosts) => hostRank(hosts, host));

  t.deepEqual(
    ranks,
    [...ranks].sort((one, other) => Number(other) - Number(one)),
  );
  t.is(hostRank(['other.example'], host), null);
  t.is(hostRank(['*.b.example'], null), null);
});
