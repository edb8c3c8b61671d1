import test from 'ava';
import type { EgressRule } from '../../../contracts/kinds/forward-proxy/config.ts';
import { forwardProxyConfig } from '../../../test/support/forward-proxy-config.ts';
import { compilePolicy, hostMatches, portMatches } from './policy.ts';

const rule = (parts: Partial<EgressRule>): EgressRule => ({
  name: 'rule',
  action: 'Deny',
  clientCIDRs: [],
  hosts: [],
  ports: [],
  cidrs: [],
  ...parts,
});
const compiled = (parts: Partial<EgressRule>) =>
  compilePolicy(forwardProxyConfig({ egress: { rules: [rule(parts)] } })).rules[0];

const matches: ReadonlyArray<readonly [string, string, boolean]> = [
  ['example.com', 'example.com', true],
  ['example.com', 'www.example.com', false],
  ['example.com', 'notexample.com', false],
  ['*.example.com', 'www.example.com', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', 'notexample.com', false],
  ['*.example.com', 'www.example.com.evil', false],
  ['*.example.com', '.example.com', true], // no target has such a host
];

test('a pattern is a name, or all names below one', (t) => {
  for (const [pattern, host, expected] of matches) {
    const hosts = compiled({ hosts: [pattern] })?.hosts;
    t.is(hosts && hostMatches(hosts, host), expected, `${pattern} and ${host}`);
  }
});

test('an empty list of a rule stands for anything', (t) => {
  t.like(compiled({}), { clients: null, hosts: null, ports: null, cidrs: null });
});

test('a list of networks that nobody can read stands for none, never for anything', (t) => {
  t.like(compiled({ clientCIDRs: ['10.0.0.0/'], cidrs: ['x'] }), { clients: [], cidrs: [] });
});

test('both ends of a range of ports belong to it', (t) => {
  const ports = [
    { from: 443, to: 443 },
    { from: 8000, to: 8999 },
  ];
  const found = [442, 443, 444, 7999, 8000, 8500, 8999, 9000].filter((at) =>
    portMatches(ports, at),
  );

  t.deepEqual(found, [443, 8000, 8500, 8999]);
  t.false(portMatches([], 443));
});

test('names are looked up early only for rules that ask for addresses', (t) => {
  const needs = (parts: Partial<EgressRule>) =>
    compilePolicy(forwardProxyConfig({ egress: { rules: [rule(parts)] } })).rulesNeedAddress;

  t.true(needs({ cidrs: ['10.0.0.0/8'] }));
  t.false(needs({ hosts: ['a.example'], clientCIDRs: ['10.0.0.0/8'] }));
});
