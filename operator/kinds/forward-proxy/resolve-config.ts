import type {
  AuthenticationConfig,
  ForwardProxyConfig,
  Limits,
  ListenerConfig,
  SocksVersion,
  Timeouts,
} from '../../../contracts/kinds/forward-proxy/config.ts';
import type { ForwardProxySpec } from '../../../contracts/kinds/forward-proxy/spec.ts';
import { createFieldReader, type FieldProblem, type FieldReader } from './resolve-fields.ts';

export type Resolution =
  | { readonly config: ForwardProxyConfig }
  /** `problem` is the first of `problems`. */
  | { readonly problem: FieldProblem; readonly problems: readonly FieldProblem[] };

type Resource = {
  readonly name: string;
  readonly namespace: string;
  /** Digest of the Secret that `authentication.basic` names; `null`: there is no such Secret. */
  readonly secretDigest: string | null;
};

/** What pods serve for a spec whose defaults are filled in, or the fields that stand in the way. */
export function resolveForwardProxy(spec: ForwardProxySpec, resource: Resource): Resolution {
  const read = createFieldReader();
  const config: ForwardProxyConfig = {
    pool: spec.pool,
    listeners: listeners(read, spec),
    authentication: authentication(read, spec, resource),
    connect: {
      enabled: spec.connect.enabled,
      allowedPorts: read.ports('spec.connect.allowedPorts', spec.connect.allowedPorts),
    },
    egress: egress(read, spec),
    dns: {
      timeoutMs: read.durationMs('spec.dns.timeout', spec.dns.timeout),
      family: spec.dns.family,
    },
    timeouts: timeouts(read, spec),
    limits: limits(read, spec),
    via: {
      enabled: spec.via.enabled,
      pseudonym: spec.via.pseudonym ?? `${resource.name}.${resource.namespace}`,
    },
    forwardedHeader: spec.forwardedHeader,
    drain: {
      timeoutMs: read.durationMs('spec.drain.timeout', spec.drain.timeout),
      jitterMs: read.durationMs('spec.drain.jitter', spec.drain.jitter),
      onPolicyChange: spec.drain.onPolicyChange,
    },
    accessLog: { enabled: spec.accessLog.enabled, redactQuery: spec.accessLog.redactQuery },
    metrics: {
      clientLabel: { mode: spec.metrics.clientLabel.mode, max: spec.metrics.clientLabel.max },
      hostLabel: { mode: spec.metrics.hostLabel.mode, max: spec.metrics.hostLabel.max },
    },
  };

  const [problem] = read.problems;
  return problem === undefined ? { config } : { problem, problems: read.problems };
}

const allSocksVersions: readonly SocksVersion[] = ['SOCKS4', 'SOCKS4a', 'SOCKS5'];

function listeners(read: FieldReader, spec: ForwardProxySpec): readonly ListenerConfig[] {
  // SOCKS4 and SOCKS4a carry no password.
  const versions = spec.authentication.mode === 'None' ? allSocksVersions : ['SOCKS5' as const];
  const taken = new Map<string, string>();
  return spec.listeners.map((listener, index): ListenerConfig => {
    const field = `spec.listeners[${index}]`;
    const address = read.address(`${field}.address`, listener.address);
    const port = listener.port ?? (listener.protocol === 'SOCKS' ? 1080 : 3128);

    const holder = taken.get(`${address} ${port}`);
    if (holder !== undefined) {
      read.refuse(`${field}.port`, `${port} on ${address} is taken by listener "${holder}"`);
    }
    taken.set(`${address} ${port}`, listener.name);

    return {
      name: listener.name,
      port,
      address,
      protocol: listener.protocol,
      socksVersions: listener.protocol === 'HTTP' ? [] : (listener.socksVersions ?? versions),
      allowedClientCIDRs: read.cidrs(`${field}.allowedClientCIDRs`, listener.allowedClientCIDRs),
    };
  });
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
  const policy = 'spec.egress.addressPolicy';
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
    addressPolicy: {
      deny: written.addressPolicy.deny,
      allowCIDRs: read.cidrs(`${policy}.allowCIDRs`, written.addressPolicy.allowCIDRs),
      denyCIDRs: read.cidrs(`${policy}.denyCIDRs`, written.addressPolicy.denyCIDRs),
    },
  };
}

function timeouts(read: FieldReader, { timeouts: written }: ForwardProxySpec): Timeouts {
  const ms = (name: keyof typeof written) =>
    read.durationMs(`spec.timeouts.${name}`, written[name]);
  return {
    handshakeMs: ms('handshake'),
    requestHeadersMs: ms('requestHeaders'),
    connectMs: ms('connect'),
    responseHeadersMs: ms('responseHeaders'),
    bodyIdleMs: ms('bodyIdle'),
    idleMs: ms('idle'),
    tunnelIdleMs: ms('tunnelIdle'),
    tunnelMaxMs: ms('tunnelMax'),
    halfCloseMs: ms('halfClose'),
  };
}

function limits(read: FieldReader, { limits: written }: ForwardProxySpec): Limits {
  const headerBytes = read.bytes('spec.limits.headerBytes', written.headerBytes, 4096, 65_536);
  const targetBytes = read.bytes('spec.limits.targetBytes', written.targetBytes, 256, 32_768);
  if (targetBytes > headerBytes) {
    read.refuse(
      'spec.limits.targetBytes',
      `"${written.targetBytes}" is more than headerBytes, which counts the first line too`,
    );
  }
  return {
    connections: written.connections,
    connectionsPerClient: written.connectionsPerClient,
    tunnels: written.tunnels,
    tunnelsPerClient: written.tunnelsPerClient,
    headerBytes,
    headerCount: written.headerCount,
    targetBytes,
  };
}
