/** What configurations of several kinds have in common: where and how clients are served. */

export type ListenerAddress = {
  readonly name: string;
  readonly port: number;
  /** IP literal; `::` also takes IPv4. */
  readonly address: string;
};

/** A sealed secret of the same pool. */
export type SecretReference = {
  readonly namespace: string;
  readonly name: string;
  readonly digest: string;
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

/** Which addresses may be dialled. */
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
  /** CONNECT, SOCKS and connections that switched protocols. */
  readonly tunnels: number;
  /** 0 = no limit of its own. */
  readonly tunnelsPerClient: number;
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly targetBytes: number;
};

export type DrainConfig = { readonly timeoutMs: number; readonly jitterMs: number };
