/** What a pod needs to serve a ForwardProxy: defaults applied, references resolved, units in names. */
export type ForwardProxyConfig = {
  readonly pool: string;
  readonly listeners: readonly ListenerConfig[];
  readonly authentication: AuthenticationConfig;
  readonly connect: { readonly enabled: boolean; readonly allowedPorts: readonly PortRange[] };
  readonly egress: {
    readonly defaultAction: RuleAction;
    readonly rules: readonly EgressRule[];
    readonly addressPolicy: AddressPolicy;
  };
  readonly dns: { readonly timeoutMs: number; readonly family: AddressFamily };
  readonly timeouts: Timeouts;
  readonly limits: Limits;
  readonly via: { readonly enabled: boolean; readonly pseudonym: string };
  readonly forwardedHeader: 'None' | 'Forwarded' | 'XForwardedFor';
  readonly drain: {
    readonly timeoutMs: number;
    readonly jitterMs: number;
    readonly onPolicyChange: 'Keep' | 'Revoke';
  };
  readonly accessLog: { readonly enabled: boolean; readonly redactQuery: boolean };
  readonly metrics: {
    readonly clientLabel: { readonly mode: 'None' | 'Identity' | 'IP'; readonly max: number };
    readonly hostLabel: { readonly mode: 'None' | 'Host'; readonly max: number };
  };
};

export type ListenerConfig = {
  readonly name: string;
  readonly port: number;
  /** IP literal; `::` also takes IPv4. */
  readonly address: string;
  readonly protocol: 'HTTP' | 'SOCKS' | 'Mixed';
  readonly socksVersions: readonly SocksVersion[];
  readonly allowedClientCIDRs: readonly string[];
};

export type SocksVersion = 'SOCKS4' | 'SOCKS4a' | 'SOCKS5';

export type AuthenticationConfig =
  | { readonly mode: 'None' }
  | {
      readonly mode: 'Basic';
      /** The sealed secret of the same pool whose field `auth` holds htpasswd lines. */
      readonly secret: SecretReference;
      readonly realm: string;
      /** Failures a client address may make per minute before it is answered 429. */
      readonly attempts: number;
    };

export type SecretReference = {
  readonly namespace: string;
  readonly name: string;
  readonly digest: string;
};

/** Both ends included. */
export type PortRange = { readonly from: number; readonly to: number };

export type RuleAction = 'Allow' | 'Deny' | 'Report';

/** An empty list means "any". */
export type EgressRule = {
  readonly name: string;
  readonly action: RuleAction;
  readonly clientCIDRs: readonly string[];
  /** `host.example` or `*.host.example` (sub-domains only), lower case, punycode. */
  readonly hosts: readonly string[];
  readonly ports: readonly PortRange[];
  readonly cidrs: readonly string[];
};

export const addressClasses = [
  'Loopback',
  'Private',
  'LinkLocal',
  'Multicast',
  'Unspecified',
  'CGNAT',
  'IPv4Embedding',
  'Reserved',
  'Metadata',
  'Self',
] as const;

export type AddressClass = (typeof addressClasses)[number];

export type AddressPolicy = {
  readonly deny: readonly AddressClass[];
  readonly allowCIDRs: readonly string[];
  readonly denyCIDRs: readonly string[];
};

export type AddressFamily = 'Auto' | 'IPv4' | 'IPv6';

export type Timeouts = {
  readonly handshakeMs: number;
  readonly requestHeadersMs: number;
  readonly connectMs: number;
  readonly responseHeadersMs: number;
  readonly bodyIdleMs: number;
  readonly idleMs: number;
  readonly tunnelIdleMs: number;
  /** 0 = no maximum. */
  readonly tunnelMaxMs: number;
  readonly halfCloseMs: number;
};

export type Limits = {
  readonly connections: number;
  /** 0 = no limit of its own. */
  readonly connectionsPerClient: number;
  readonly tunnels: number;
  /** 0 = no limit of its own. */
  readonly tunnelsPerClient: number;
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly targetBytes: number;
};
