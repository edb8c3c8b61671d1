import type {
  AddressFamily,
  AddressPolicy,
  DrainConfig,
  Limits,
  ListenerAddress,
  SecretReference,
  Timeouts,
} from '../serving.ts';

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
  readonly drain: DrainConfig & { readonly onPolicyChange: 'Keep' | 'Revoke' };
  readonly accessLog: { readonly enabled: boolean; readonly redactQuery: boolean };
  readonly metrics: {
    readonly clientLabel: { readonly mode: 'None' | 'Identity' | 'IP'; readonly max: number };
    readonly hostLabel: { readonly mode: 'None' | 'Host'; readonly max: number };
  };
};

export type ListenerConfig = ListenerAddress & {
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
