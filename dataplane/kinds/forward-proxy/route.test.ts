import test from 'ava';
import type { EgressRule, RuleAction } from '../../../contracts/kinds/forward-proxy/config.ts';
import { type AddressPolicy, addressClasses } from '../../../contracts/kinds/serving.ts';
import { forwardProxyConfig } from '../../../test/support/forward-proxy-config.ts';
import type { IsSelf } from '../../protocols/address-policy.ts';
import { type Ip, parseIp } from '../../protocols/ip-address.ts';
import { parseAuthority, type Target } from '../../protocols/target.ts';
import { compilePolicy, type Policy } from './policy.ts';
import { chooseRoute, type Route, type RouteRequest, refuseEarly } from './route.ts';

const ip = (text: string): Ip => {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`${text} is no address`);
  return parsed;
};
const target = (text: string): Target => {
  const parsed = parseAuthority(text);
  if (parsed === null) throw new Error(`${text} is no target`);
  return parsed;
};
const request = (where: string, parts: Partial<RouteRequest> = {}): RouteRequest => ({
  client: ip('10.0.0.1'),
  target: target(where),
  tunnel: 'connect',
  ...parts,
});
const rule = (name: string, action: RuleAction, parts: Partial<EgressRule> = {}): EgressRule => ({
  name,
  action,
  clientCIDRs: [],
  hosts: [],
  ports: [],
  cidrs: [],
  ...parts,
});
const withRules = (defaultAction: RuleAction, ...rules: readonly EgressRule[]): Policy =>
  compilePolicy(forwardProxyConfig({ egress: { defaultAction, rules } }));
const withAddresses = (parts: Partial<AddressPolicy>): Policy =>
  compilePolicy(
    forwardProxyConfig({
      egress: {
        addressPolicy: { deny: [...addressClasses], allowCIDRs: [], denyCIDRs: [], ...parts },
      },
    }),
  );
const nobody: IsSelf = () => false;
const open = withRules('Allow');

/** `allowed a`, or `refused a code`: a is the rule that decided. */
const said = (route: Route | null): string | null => {
  if (route === null) return null;
  return route.via === 'direct' ? `allowed ${route.rule}` : `refused ${route.rule} ${route.code}`;
};
const decided = (policy: Policy, asked: RouteRequest, ...addresses: readonly string[]): Route =>
  refuseEarly(policy, asked) ?? chooseRoute(policy, asked, addresses.map(ip), nobody);

test('what nothing forbids goes to every address of its name, in order', (t) => {
  const asked = request('a.example:443');

  t.is(refuseEarly(open, asked), null);
  t.deepEqual(chooseRoute(open, asked, [ip('2606:4700::1'), ip('8.8.8.8')], nobody), {
    via: 'direct',
    addresses: [ip('2606:4700::1'), ip('8.8.8.8')],
    rule: 'default',
    reported: [],
  });
});

test('C4: a tunnel to a port not allowed is refused before anything is looked up', (t) => {
  const policy = compilePolicy(
    forwardProxyConfig({ connect: { allowedPorts: [{ from: 443, to: 443 }] } }),
  );
  const at = (port: number, tunnel: RouteRequest['tunnel']) =>
    said(refuseEarly(policy, request(`a.example:${port}`, { tunnel })));

  t.is(at(443, 'connect'), null);
  t.is(at(80, 'connect'), 'refused default port_denied');
  t.is(at(80, 'socks'), 'refused default port_denied');
  t.is(at(80, null), null, 'a plain request is no tunnel');
});

test('tunnels that are switched off are refused, and it says by which field', (t) => {
  const policy = compilePolicy(forwardProxyConfig({ connect: { enabled: false } }));

  t.like(refuseEarly(policy, request('a.example:443')), {
    code: 'http_request_denied',
    message: 'tunnels are off here (spec.connect.enabled)',
  });
  t.is(refuseEarly(policy, request('a.example:80', { tunnel: null })), null);
});

test('the first rule that matches decides', (t) => {
  const policy = withRules(
    'Deny',
    rule('one-host', 'Allow', { hosts: ['good.bad.example'] }),
    rule('bad-domain', 'Deny', { hosts: ['*.bad.example'] }),
    rule('metrics', 'Deny', { ports: [{ from: 9000, to: 9100 }] }),
    rule('team', 'Allow', { clientCIDRs: ['10.0.0.0/8'] }),
  );
  const outsider = { client: ip('192.168.0.1') };

  t.is(said(decided(policy, request('good.bad.example:443'), '8.8.8.8')), 'allowed one-host');
  t.is(
    said(decided(policy, request('x.bad.example:443'))),
    'refused bad-domain http_request_denied',
  );
  t.is(said(decided(policy, request('a.example:9050'))), 'refused metrics http_request_denied');
  t.is(said(decided(policy, request('a.example:443'), '8.8.8.8')), 'allowed team');
  t.is(
    said(decided(policy, request('a.example:443', outsider))),
    'refused default http_request_denied',
  );
  t.is(
    said(decided(policy, request('good.bad.example:1', outsider), '8.8.8.8')),
    'allowed one-host',
  );
});

test('all parts of a rule must match', (t) => {
  const policy = withRules(
    'Allow',
    rule('both', 'Deny', {
      hosts: ['a.example'],
      ports: [{ from: 80, to: 80 }],
      clientCIDRs: ['10.0.0.0/8'],
      cidrs: ['8.0.0.0/8'],
    }),
  );
  const refused = 'refused both http_request_denied';

  t.is(said(decided(policy, request('a.example:80'), '8.8.8.8')), refused);
  t.is(said(decided(policy, request('b.example:80'), '8.8.8.8')), 'allowed default');
  t.is(said(decided(policy, request('a.example:81'), '8.8.8.8')), 'allowed default');
  t.is(said(decided(policy, request('a.example:80'), '9.9.9.9')), 'allowed default');
  t.is(
    said(decided(policy, request('a.example:80', { client: ip('11.0.0.1') }), '8.8.8.8')),
    'allowed default',
  );
});

test('a refusal names the rule, or the field that holds the default', (t) => {
  const policy = withRules(
    'Deny',
    rule('no-metrics', 'Deny', { ports: [{ from: 9090, to: 9090 }] }),
  );

  t.like(refuseEarly(policy, request('a.example:9090')), {
    message: 'a.example:9090 is denied by rule "no-metrics" of spec.egress.rules',
  });
  t.like(refuseEarly(policy, request('[2606:4700::1]:443')), {
    message:
      '[2606:4700::1]:443 is allowed by no rule of spec.egress.rules, and spec.egress.defaultAction is Deny',
  });
});

test('a rule that reports is passed and noted, each of them', (t) => {
  const policy = withRules(
    'Allow',
    rule('first', 'Report', { hosts: ['*.example'] }),
    rule('other', 'Report', { hosts: ['b.example'] }),
    rule('second', 'Report', { cidrs: ['8.0.0.0/8'] }),
    rule('yes', 'Allow', { ports: [{ from: 443, to: 443 }] }),
    rule('never', 'Report'),
  );

  t.like(decided(policy, request('a.example:443'), '8.8.8.8'), {
    via: 'direct',
    rule: 'yes',
    reported: ['first', 'second'],
  });
});

test('a rule that reports does not save from one that denies', (t) => {
  const policy = withRules('Allow', rule('watch', 'Report'), rule('no', 'Deny'));

  t.is(said(refuseEarly(policy, request('a.example:443'))), 'refused no http_request_denied');
});

test('a default that reports lets through and says so', (t) => {
  const policy = withRules('Report', rule('watch', 'Report', { ports: [{ from: 443, to: 443 }] }));

  t.like(decided(policy, request('a.example:443'), '8.8.8.8'), {
    via: 'direct',
    rule: 'default',
    reported: ['watch', 'default'],
  });
});

test('nothing is refused early once a rule asks for the address', (t) => {
  const policy = withRules(
    'Deny',
    rule('partner', 'Allow', { cidrs: ['8.0.0.0/8'] }),
    rule('no', 'Deny', { hosts: ['a.example'] }),
  );
  const asked = request('a.example:443');

  t.is(refuseEarly(policy, asked), null, 'undecided before DNS');
  t.is(said(chooseRoute(policy, asked, [ip('8.8.8.8')], nobody)), 'allowed partner');
  t.is(said(chooseRoute(policy, asked, [ip('9.9.9.9')], nobody)), 'refused no http_request_denied');
  t.is(
    said(refuseEarly(policy, request('9.9.9.9:443'))),
    'refused default http_request_denied',
    'an address needs no DNS',
  );
  const otherwise = withRules(
    'Deny',
    rule('partner', 'Allow', { hosts: ['b.example'], cidrs: ['::/0'] }),
  );
  t.is(
    said(refuseEarly(otherwise, asked)),
    'refused default http_request_denied',
    'a rule about another host leaves nothing undecided',
  );
});

test('C18, C19: of the addresses of a name only those allowed are dialled', (t) => {
  const asked = request('a.example:443');
  const classes = withAddresses({});
  const rules = withRules('Deny', rule('eight', 'Allow', { cidrs: ['8.0.0.0/8', '4.0.0.0/8'] }));
  const addresses = ['127.0.0.1', '8.8.8.8', '10.0.0.1', '4.4.4.4'].map(ip);

  for (const policy of [classes, rules]) {
    t.like(chooseRoute(policy, asked, addresses, nobody), {
      via: 'direct',
      addresses: [ip('8.8.8.8'), ip('4.4.4.4')],
    });
  }
  t.like(chooseRoute(classes, asked, [ip('127.0.0.1'), ip('10.0.0.1')], nobody), {
    via: 'refused',
    code: 'destination_ip_prohibited',
    rule: 'address',
  });
});

test('a name without an address is a name that DNS does not know', (t) => {
  t.is(said(chooseRoute(open, request('a.example:443'), [], nobody)), 'refused default dns_error');
});

const lists: ReadonlyArray<readonly [string, Partial<AddressPolicy>, string, boolean]> = [
  ['a class denies', {}, '10.1.2.3', false],
  ['any of its classes denies', { deny: ['Metadata'] }, '169.254.169.254', false],
  ['a class that is not denied lets pass', { deny: ['Loopback'] }, '10.1.2.3', true],
  ['an open address passes', {}, '8.8.8.8', true],
  ['allow lifts a class', { allowCIDRs: ['10.1.0.0/16'] }, '10.1.2.3', true],
  ['allow lifts a class only where it is', { allowCIDRs: ['10.1.0.0/16'] }, '10.2.2.3', false],
  [
    'allow does not need to be narrow to lift a class',
    { allowCIDRs: ['0.0.0.0/0'] },
    '10.1.2.3',
    true,
  ],
  ['deny denies what no class does', { denyCIDRs: ['8.0.0.0/8'] }, '8.8.8.8', false],
  [
    'the narrower allow wins',
    { denyCIDRs: ['8.0.0.0/8'], allowCIDRs: ['8.8.0.0/16'] },
    '8.8.8.8',
    true,
  ],
  [
    'the narrower deny wins',
    { denyCIDRs: ['8.8.8.0/24'], allowCIDRs: ['8.8.0.0/16'] },
    '8.8.8.8',
    false,
  ],
  ['deny wins a tie', { denyCIDRs: ['8.8.0.0/16'], allowCIDRs: ['8.8.0.0/16'] }, '8.8.8.8', false],
  [
    'the narrowest of many wins',
    { denyCIDRs: ['10.0.0.0/8', '10.1.2.0/24'], allowCIDRs: ['10.1.0.0/16', '10.1.2.3/32'] },
    '10.1.2.3',
    true,
  ],
  [
    'narrowness is looked for within a family',
    { denyCIDRs: ['8.0.0.0/8'], allowCIDRs: ['::/0', '2001::/16'] },
    '8.8.8.8',
    false,
  ],
  ['a mapped address is its IPv4 address', { denyCIDRs: ['8.0.0.0/8'] }, '::ffff:8.8.8.8', false],
  ['a mapped network is its IPv4 network', { denyCIDRs: ['::ffff:8.0.0.0/104'] }, '8.8.8.8', false],
  ['an IPv4 address inside another is denied', {}, '64:ff9b::8.8.8.8', false],
];

for (const [what, policy, address, expected] of lists) {
  test(`address policy: ${what}`, (t) => {
    const route = chooseRoute(
      withAddresses(policy),
      request('a.example:443'),
      [ip(address)],
      nobody,
    );
    t.is(said(route), expected ? 'allowed default' : 'refused address destination_ip_prohibited');
  });
}

test('every class denies by its own name', (t) => {
  const examples: Readonly<Record<string, string>> = {
    Loopback: '127.0.0.1',
    Private: '10.0.0.1',
    LinkLocal: 'fe80::1',
    Multicast: '224.0.0.1',
    Unspecified: '0.0.0.0',
    CGNAT: '100.64.0.1',
    IPv4Embedding: '2002::1',
    Reserved: '240.0.0.1',
    Metadata: '168.63.129.16',
  };
  for (const name of addressClasses) {
    const address = examples[name];
    if (address === undefined) continue;
    const asked = request('a.example:443');
    const only = chooseRoute(withAddresses({ deny: [name] }), asked, [ip(address)], nobody);
    const others = addressClasses.filter((other) => other !== name);
    const without = chooseRoute(withAddresses({ deny: others }), asked, [ip(address)], nobody);
    t.regex(only.via === 'refused' ? only.message : '', new RegExp(`is ${name}: `));
    t.is(without.via, 'direct', name);
  }
});

test('T15: this proxy itself is never dialled, whatever is allowed', (t) => {
  const isSelf: IsSelf = (address, port) => address.text === '127.0.0.1' && port === 3128;
  const policy = withAddresses({ allowCIDRs: ['127.0.0.1/32'] });
  const at = (port: number, by = policy) =>
    said(chooseRoute(by, request(`localhost:${port}`), [ip('127.0.0.1')], isSelf));

  t.is(at(3128), 'refused address proxy_loop_detected');
  t.is(at(3129), 'allowed default');
  t.is(at(3128, withAddresses({ deny: [] })), 'allowed default', 'unless Self is not denied');
});

test('an address allowed by a rule still has to pass the address policy', (t) => {
  const policy = compilePolicy(
    forwardProxyConfig({
      egress: {
        rules: [rule('partner', 'Allow', { cidrs: ['10.0.0.0/8'] })],
        addressPolicy: { deny: ['Private'], allowCIDRs: [], denyCIDRs: [] },
      },
    }),
  );

  t.is(
    said(decided(policy, request('a.example:443'), '10.0.0.1')),
    'refused address destination_ip_prohibited',
  );
});
