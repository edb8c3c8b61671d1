import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';

type Parts = {
  readonly listeners?: ForwardProxyConfig['listeners'];
  readonly connect?: Partial<ForwardProxyConfig['connect']>;
  readonly egress?: Partial<ForwardProxyConfig['egress']>;
};

/** A whole configuration that refuses nothing but what a test says. */
export function forwardProxyConfig({ connect, egress, ...parts }: Parts = {}): ForwardProxyConfig {
  return {
    ...everythingAllowed,
    ...parts,
    connect: { ...everythingAllowed.connect, ...connect },
    egress: { ...everythingAllowed.egress, ...egress },
  };
}

const everythingAllowed: ForwardProxyConfig = {
  pool: 'default',
  listeners: [
    {
      name: 'main',
      port: 3128,
      address: '::',
      protocol: 'Mixed',
      socksVersions: ['SOCKS4', 'SOCKS4a', 'SOCKS5'],
      allowedClientCIDRs: ['0.0.0.0/0', '::/0'],
    },
  ],
  authentication: { mode: 'None' },
  connect: { enabled: true, allowedPorts: [{ from: 1, to: 65_535 }] },
  egress: {
    defaultAction: 'Allow',
    rules: [],
    addressPolicy: { deny: [], allowCIDRs: [], denyCIDRs: [] },
  },
  dns: { timeoutMs: 5000, family: 'Auto' },
  timeouts: {
    handshakeMs: 10_000,
    requestHeadersMs: 10_000,
    connectMs: 10_000,
    responseHeadersMs: 60_000,
    bodyIdleMs: 60_000,
    idleMs: 60_000,
    tunnelIdleMs: 600_000,
    tunnelMaxMs: 0,
    halfCloseMs: 30_000,
  },
  limits: {
    connections: 10_000,
    connectionsPerClient: 0,
    tunnels: 5000,
    tunnelsPerClient: 0,
    headerBytes: 16_384,
    headerCount: 100,
    targetBytes: 8192,
  },
  via: { enabled: true, pseudonym: 'egress.team-a' },
  forwardedHeader: 'None',
  drain: { timeoutMs: 30_000, jitterMs: 5000, onPolicyChange: 'Keep' },
  accessLog: { enabled: true, redactQuery: true },
  metrics: { clientLabel: { mode: 'None', max: 100 }, hostLabel: { mode: 'None', max: 100 } },
};
