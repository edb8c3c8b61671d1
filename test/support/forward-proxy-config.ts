import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import { servingConfig } from './serving-config.ts';

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
  ...servingConfig,
  via: { enabled: true, pseudonym: 'egress.team-a' },
  drain: { timeoutMs: 30_000, jitterMs: 5000, onPolicyChange: 'Keep' },
  metrics: { clientLabel: { mode: 'None', max: 100 }, hostLabel: { mode: 'None', max: 100 } },
};
