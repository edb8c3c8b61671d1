import type {
  AuthenticationConfig,
  ForwardProxyConfig,
  ListenerConfig,
  SocksVersion,
} from '../../../contracts/kinds/forward-proxy/config.ts';
import type { ForwardProxySpec } from '../../../contracts/kinds/forward-proxy/spec.ts';
import { createFieldReader, type FieldReader, type Resolution } from '../resolve-fields.ts';
import {
  readAccessLog,
  readAddressPolicy,
  readDns,
  readDrain,
  readLimits,
  readListeners,
  readTimeouts,
  readVia,
} from '../resolve-serving.ts';

type Resource = {
  readonly name: string;
  readonly namespace: string;
  /** Digest of the Secret that `authentication.basic` names; `null`: there is no such Secret. */
  readonly secretDigest: string | null;
};

/** What pods serve for a spec whose defaults are filled in, or the fields that stand in the way. */
export function resolveForwardProxy(
  spec: ForwardProxySpec,
  resource: Resource,
): Resolution<ForwardProxyConfig> {
  const read = createFieldReader();
  return read.resolve<ForwardProxyConfig>({
    pool: spec.pool,
    listeners: listeners(read, spec),
    authentication: authentication(read, spec, resource),
    connect: {
      enabled: spec.connect.enabled,
      allowedPorts: read.ports('spec.connect.allowedPorts', spec.connect.allowedPorts),
    },
    egress: egress(read, spec),
    dns: readDns(read, spec.dns),
    timeouts: readTimeouts(read, spec.timeouts, { idle: 'tunnelIdle', max: 'tunnelMax' }),
    limits: readLimits(read, spec.limits, { all: 'tunnels', perClient: 'tunnelsPerClient' }),
    via: readVia(spec.via, resource),
    forwardedHeader: spec.forwardedHeader,
    drain: { ...readDrain(read, spec.drain), onPolicyChange: spec.drain.onPolicyChange },
    accessLog: readAccessLog(spec.accessLog),
    metrics: {
      clientLabel: { mode: spec.metrics.clientLabel.mode, max: spec.metrics.clientLabel.max },
      hostLabel: { mode: spec.metrics.hostLabel.mode, max: spec.metrics.hostLabel.max },
    },
  });
}

const allSocksVersions: readonly SocksVersion[] = ['SOCKS4', 'SOCKS4a', 'SOCKS5'];

function listeners(read: FieldReader, spec: ForwardProxySpec): readonly ListenerConfig[] {
  // SOCKS4 and SOCKS4a carry no password.
  const versions = spec.authentication.mode === 'None' ? allSocksVersions : ['SOCKS5' as const];
  return readListeners(read, spec.listeners, defaultPort).map(
    ({ listener: { protocol, socksVersions }, address, allowedClientCIDRs }) => ({
      ...address,
      protocol,
      socksVersions: protocol === 'HTTP' ? [] : (socksVersions ?? versions),
      allowedClientCIDRs,
    }),
  );
}

function defaultPort({ protocol }: ForwardProxySpec['listeners'][number]): number {
  return protocol === 'SOCKS' ? 1080 : 3128;
}

function authentication(
  read: FieldReader,
  { authentication: { mode, basic, attempts } }: ForwardProxySpec,
  { namespace, secretDigest }: Resource,
): AuthenticationConfig {
  if (mode === 'None') return { mode };
  const name = basic?.secretRef.name ?? '';
  if (secretDigest === null) {
    read.refuse(
      'spec.authentication.basic.secretRef.name',
      `there is no Secret "${name}" in namespace "${namespace}"`,
    );
  }
  return {
    mode,
    secret: { namespace, name, digest: secretDigest ?? '' },
    realm: basic?.realm ?? 'proxy',
    attempts,
  };
}

function egress(read: FieldReader, { egress: written }: ForwardProxySpec) {
  return {
    defaultAction: written.defaultAction,
    rules: (written.rules ?? []).map((rule, index) => {
      const field = `spec.egress.rules[${index}]`;
      return {
        name: rule.name,
        action: rule.action,
        clientCIDRs: read.cidrs(`${field}.clients.cidrs`, rule.clients?.cidrs),
        hosts: read.hosts(`${field}.hosts`, rule.hosts),
        ports: read.ports(`${field}.ports`, rule.ports),
        cidrs: read.cidrs(`${field}.cidrs`, rule.cidrs),
      };
    }),
    addressPolicy: readAddressPolicy(read, 'spec.egress.addressPolicy', written.addressPolicy),
  };
}
