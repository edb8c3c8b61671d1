import type { ConfigOf, Kind } from '../../contracts/kinds/all-kinds.ts';
import { mirrorId } from '../../contracts/kinds/mirror-route/mirror-state.ts';
import { seniorityOf, sharingOf } from '../../contracts/kinds/mirror-route/sharing.ts';
import type { Limits, SecretReference } from '../../contracts/kinds/serving.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { ServiceReference } from '../../contracts/service-reference.ts';

/** What the main thread has to know of a configuration to bind sockets and open secrets. */
export type Wanted = {
  readonly listeners: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    /** Resources that say the same share the socket; `null`: nobody shares it. */
    readonly sharing: string | null;
  }[];
  /** Of those who share a socket the first in this order owns it. */
  readonly seniority: string;
  readonly secrets: readonly SecretNeeded[];
  readonly services: readonly ServiceReference[];
  /** Whether clients must be counted one by one. */
  readonly countsClients: boolean;
  /** Names of what the threads keep common accounts of: one per mirror. */
  readonly budgets: readonly string[];
};

/** One field of a Secret. Passwords stay with whoever checks them; certificates are for the serving threads. */
export type SecretNeeded = {
  readonly namespace: string;
  readonly name: string;
  readonly digest: string;
  readonly field: string;
  readonly use: 'passwords' | 'certificate' | 'key';
};

/** Kind → what a configuration needs; does not compile while one is missing. */
const wantedBy: {
  readonly [K in Kind]: (config: ConfigOf<K>, key: ResourceKey) => Wanted;
} = {
  ForwardProxy: ({ listeners, authentication, limits }) => ({
    listeners: listeners.map((listener) => ({ ...listener, sharing: null })),
    seniority: '',
    secrets:
      authentication.mode === 'Basic'
        ? [{ ...authentication.secret, field: 'auth', use: 'passwords' }]
        : [],
    services: [],
    countsClients: countsClients(limits),
    budgets: [],
  }),
  MirrorRoute: (config, key) => ({
    listeners: config.listeners.map((listener) => ({
      ...listener,
      sharing: JSON.stringify(sharingOf(listener)),
    })),
    seniority: seniorityOf(config, key),
    secrets: config.listeners.flatMap(({ tls }) =>
      (tls?.certificates ?? []).flatMap(certificateFields),
    ),
    services: config.rules.flatMap((rule) =>
      [...rule.backends, ...rule.mirrors].flatMap(({ origin }) => origin.service ?? []),
    ),
    countsClients: countsClients(config.limits),
    budgets: config.rules.flatMap((rule) => rule.mirrors.map((mirror) => mirrorId(rule, mirror))),
  }),
};

function certificateFields(secret: SecretReference): readonly SecretNeeded[] {
  return [
    { ...secret, field: 'tls.crt', use: 'certificate' },
    { ...secret, field: 'tls.key', use: 'key' },
  ];
}

/** What a configuration needs. */
export function wantedOf<K extends Kind>(
  key: ResourceKey & { readonly kind: K },
  config: ConfigOf<K>,
): Wanted {
  return wantedBy[key.kind](config, key);
}

function countsClients({ connectionsPerClient, tunnelsPerClient }: Limits): boolean {
  return connectionsPerClient > 0 || tunnelsPerClient > 0;
}
