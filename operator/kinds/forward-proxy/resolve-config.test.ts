import test from 'ava';
import type { ForwardProxySpec } from '../../../contracts/kinds/forward-proxy/spec.ts';
import { resolveForwardProxy } from './resolve-config.ts';

const spec: ForwardProxySpec = {
  pool: 'default',
  listeners: [
    { name: 'all', port: 3128, address: '::', protocol: 'Mixed', allowedClientCIDRs: ['::/0'] },
  ],
  authentication: { mode: 'None', attempts: 30 },
  connect: { enabled: true, allowedPorts: [443] },
  egress: { defaultAction: 'Allow', addressPolicy: { deny: ['Self'] } },
  dns: { timeout: '5s', family: 'Auto' },
  timeouts: {
    handshake: '10s',
    requestHeaders: '10s',
    connect: '10s',
    responseHeaders: '60s',
    bodyIdle: '60s',
    idle: '60s',
    tunnelIdle: '10m',
    tunnelMax: '0s',
    halfClose: '30s',
  },
  limits: {
    connections: 1,
    connectionsPerClient: 0,
    tunnels: 1,
    tunnelsPerClient: 0,
    headerBytes: '16Ki',
    headerCount: 100,
    targetBytes: '8Ki',
  },
  via: { enabled: true },
  forwardedHeader: 'None',
  drain: { timeout: '30s', jitter: '5s', onPolicyChange: 'Keep' },
  accessLog: { enabled: true, redactQuery: true },
  metrics: { clientLabel: { mode: 'None', max: 100 }, hostLabel: { mode: 'None', max: 100 } },
};

const basic: ForwardProxySpec['authentication'] = {
  mode: 'Basic',
  basic: { secretRef: { name: 'users' }, realm: 'proxy' },
  attempts: 30,
};

function resolve(edit: Partial<ForwardProxySpec>, secretDigest: string | null = 'd1') {
  const resource = { name: 'egress', namespace: 'team-a', secretDigest };
  return resolveForwardProxy({ ...spec, ...edit }, resource);
}

test('what depends on other fields is filled in', (t) => {
  const [{ allowedClientCIDRs = [] } = {}] = spec.listeners;
  const socks = { name: 'socks', address: '::', protocol: 'SOCKS', allowedClientCIDRs } as const;

  const open = resolve({ listeners: [socks] });
  const withUsers = resolve({ listeners: [socks], authentication: basic });

  t.like(open, {
    config: {
      listeners: [{ port: 1080, socksVersions: ['SOCKS4', 'SOCKS4a', 'SOCKS5'] }],
      via: { pseudonym: 'egress.team-a' },
    },
  });
  t.like(withUsers, {
    config: {
      listeners: [{ socksVersions: ['SOCKS5'] }],
      authentication: { secret: { namespace: 'team-a', name: 'users', digest: 'd1' } },
    },
  });
});

test('a Secret that is not there is named', (t) => {
  t.like(resolve({ authentication: basic }, null), {
    problem: {
      field: 'spec.authentication.basic.secretRef.name',
      message: 'there is no Secret "users" in namespace "team-a"',
    },
  });
});

test('all fields that stand in the way are told, the first one first', (t) => {
  const resolved = resolve({
    connect: { enabled: true, allowedPorts: [443, '9-8'] },
    limits: { ...spec.limits, headerBytes: '4Ki', targetBytes: '8Ki' },
    egress: {
      defaultAction: 'Allow',
      rules: [{ name: 'r', action: 'Deny', hosts: ['10.0.0.1'], cidrs: ['10.0.0.0/33'] }],
      addressPolicy: { deny: [], allowCIDRs: ['fd00::/129'] },
    },
  });

  t.true('problem' in resolved);
  if (!('problem' in resolved)) return;
  t.deepEqual(resolved.problem, resolved.problems[0] ?? null);
  t.deepEqual(
    resolved.problems.map(({ field }) => field),
    [
      'spec.connect.allowedPorts[1]',
      'spec.egress.rules[0].hosts[0]',
      'spec.egress.rules[0].cidrs[0]',
      'spec.egress.addressPolicy.allowCIDRs[0]',
      'spec.limits.targetBytes',
    ],
  );
  t.is(
    resolved.problems[1]?.message,
    '"10.0.0.1" is an address: list it under cidrs, as 10.0.0.1/32',
  );
});
