import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';

/** What the main thread has to know of a configuration to bind sockets and open secrets. */
export type Wanted = {
  readonly listeners: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
  }[];
  readonly secrets: readonly SecretNeeded[];
  /** Whether clients must be counted one by one. */
  readonly countsClients: boolean;
};

export type SecretNeeded = {
  readonly namespace: string;
  readonly name: string;
  readonly digest: string;
  readonly field: string;
};

/** Kind → what a configuration needs; does not compile while one is missing. */
export const wantedBy: { readonly [K in Kind]: (config: ConfigOf<K>) => Wanted } = {
  ForwardProxy: ({ listeners, authentication, limits }) => ({
    listeners,
    secrets: authentication.mode === 'Basic' ? [{ ...authentication.secret, field: 'auth' }] : [],
    countsClients: limits.connectionsPerClient > 0 || limits.tunnelsPerClient > 0,
  }),
};
